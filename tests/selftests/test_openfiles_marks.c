// SPDX-License-Identifier: GPL-2.0-only
/*
 * What hangs on an open file or its inode when it is copied up: file descriptors,
 * locks, leases, marks of inotify and fanotify, a program that runs, access times.
 * Each scenario runs in a plain directory first; the container has to give the
 * same list of results.
 *
 *	plain/		a directory of ext4
 *	l1/		the same, as a layer
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <dirent.h>
#include <unistd.h>

#include "fixture.h"

#define ROOM	65536

/* Shared with children, which have results, too. */
static char *said, *said_by_plain, *said_by_mnt;

/* One more result of the scenario. */
static void result(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void result(const char *fmt, ...)
{
	size_t n = strlen(said);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(said + n, ROOM - n, fmt, ap);
	va_end(ap);
}

/* A call that may fail: how it ends is the result. */
#define RESULT(call)							\
	({								\
		long rc_ = (call);					\
		result("%s: %s\n", #call, rc_ < 0 ? strerror(errno) : "done"); \
		rc_;							\
	})

/* Line by line, so that the first difference is what is shown. */
static void same_results(void)
{
	char *a = said_by_plain, *b = said_by_mnt;
	int line = 1;

	CHECK(*a);
	while (*a || *b) {
		int n = strcspn(a, "\n"), m = strcspn(b, "\n");

		if (n != m || memcmp(a, b, n))
			FAIL("result %d is \"%.*s\", in a plain directory \"%.*s\"", line, m, b,
			     n, a);
		a += n + (a[n] == '\n');
		b += m + (b[m] == '\n');
		line++;
	}
}

/* @make fills a directory, @scenario runs in it. */
static void compare(void (*make)(void), void (*scenario)(void))
{
	static const char *const dirs[] = { "plain", "l1" };

	said_by_plain = mmap(NULL, 2 * ROOM, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			     -1, 0);
	CHECK(said_by_plain != MAP_FAILED);
	said_by_mnt = said_by_plain + ROOM;
	fx_dirs(1);
	/* A mount of its own, as the container is one. */
	mk_dir("plain");
	CHECK_SYS(mount("plain", "plain", NULL, MS_BIND, NULL));
	for (int i = 0; i < 2; i++) {
		CHECK_SYS(chdir(dirs[i]));
		make();
		CHECK_SYS(chdir(".."));
	}
	fx_mount(1);
	for (int i = 0; i < 2; i++) {
		said = i ? said_by_mnt : said_by_plain;
		CHECK_SYS(chdir(i ? "mnt" : "plain"));
		scenario();
		CHECK_SYS(chdir(".."));
	}
	same_results();
}

static void copy_of(const char *from, const char *to)
{
	int in = CHECK_SYS(open(from, O_RDONLY)), out;

	out = CHECK_SYS(open(to, O_WRONLY | O_CREAT | O_EXCL, 0755));
	CHECK_SYS(sendfile(out, in, NULL, stat_of(from).st_size));
	close(in);
	close(out);
}

/* --- a program that runs --- */

/*
 *	prog, prog2, prog3	/bin/cat
 */
static void make_programs(void)
{
	copy_of("/bin/cat", "prog");
	copy_of("/bin/cat", "prog2");
	copy_of("/bin/cat", "prog3");
}

/* Runs until *@in is closed; 0 with errno if it does not start. */
static pid_t start(const char *prog, int *in)
{
	int feed[2], failed[2], err = 0;
	pid_t pid;

	CHECK_SYS(pipe2(feed, O_CLOEXEC));
	CHECK_SYS(pipe2(failed, O_CLOEXEC));
	pid = CHECK_SYS(fork());
	if (!pid) {
		dup2(feed[0], 0);
		execl(prog, prog, NULL);
		err = errno;
		CHECK_EQ(write(failed[1], &err, sizeof(err)), sizeof(err));
		_exit(1);
	}
	close(feed[0]);
	close(failed[1]);
	if (read(failed[0], &err, sizeof(err)) > 0) {
		waitpid(pid, NULL, 0);
		close(feed[1]);
		pid = 0;
	}
	close(failed[0]);
	*in = feed[1];
	errno = err;
	return pid;
}

static void stop(pid_t pid, int in)
{
	int status;

	close(in);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	result("ended with %x\n", status);
}

static void try_to_change(const char *prog)
{
	int fd;

	result("changing %s\n", prog);
	fd = RESULT(open(prog, O_WRONLY));
	close(fd);
	fd = RESULT(open(prog, O_RDWR));
	close(fd);
	fd = RESULT(open(prog, O_RDONLY | O_TRUNC));
	close(fd);
	RESULT(truncate(prog, 100000));
}

static void run_and_change(void)
{
	char byte = 0x7f;
	int in, in2, fd;
	pid_t pid, pid2;

	pid = start("prog", &in);
	CHECK(pid);
	try_to_change("prog");
	/* Copied up while it runs. */
	RESULT(chmod("prog", 0711));
	try_to_change("prog");
	pid2 = start("prog", &in2);
	CHECK(pid2);
	stop(pid2, in2);
	try_to_change("prog");
	stop(pid, in);

	fd = RESULT(open("prog", O_WRONLY));
	pid = start("prog", &in);
	result("start: %d %s\n", !!pid, strerror(errno));
	/* Its first byte is that one: copied up while it may be written. */
	RESULT(pwrite(fd, &byte, 1, 0));
	pid = start("prog", &in);
	result("start: %d %s\n", !!pid, strerror(errno));
	close(fd);
	pid = start("prog", &in);
	result("start: %d\n", !!pid);
	try_to_change("prog");
	stop(pid, in);

	/* Replaced or unlinked it may be. */
	pid = start("prog2", &in);
	RESULT(rename("prog3", "prog2"));
	fd = RESULT(open("prog2", O_WRONLY));
	close(fd);
	stop(pid, in);
	pid = start("prog2", &in);
	RESULT(unlink("prog2"));
	stop(pid, in);
}

TEST(openfiles, running_program)
{
	compare(make_programs, run_and_change);
}

/* --- file descriptors and locks --- */

/*
 *	dir/f0 ... f15	"0123456789"
 */
static void make_files(void)
{
	char path[16];

	mk_dir("dir");
	for (int i = 0; i < 16; i++) {
		snprintf(path, sizeof(path), "dir/f%d", i);
		mk_file(path, "0123456789");
		CHECK_SYS(chmod(path, 0644));
	}
}

static void use_descriptors(void)
{
	char buf[32] = "", link[64];
	int ro, wo, path, again, pipe_fd[2];
	struct stat st;

	ro = CHECK_SYS(open("dir/f0", O_RDONLY));
	path = CHECK_SYS(open("dir/f0", O_PATH));
	CHECK_SYS(read(ro, buf, 4));
	wo = CHECK_SYS(open("dir/f0", O_WRONLY | O_APPEND));
	RESULT(write(wo, "abc", 3));
	memset(buf, 0, sizeof(buf));
	RESULT(read(ro, buf, sizeof(buf)));
	result("after the position: %s\n", buf);
	result("end: %ld\n", (long)lseek(ro, 0, SEEK_END));
	CHECK_SYS(fstat(path, &st));
	result("size: %ld\n", (long)st.st_size);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", path);
	again = CHECK_SYS(open(link, O_RDWR));
	RESULT(pwrite(again, "XY", 2, 1));
	memset(buf, 0, sizeof(buf));
	RESULT(pread(ro, buf, sizeof(buf), 0));
	result("by the first: %s\n", buf);
	RESULT(write(ro, "z", 1));
	RESULT(ftruncate(ro, 1));
	RESULT(fchmod(ro, 0640));
	RESULT(ftruncate(wo, 5));
	CHECK_SYS(pipe(pipe_fd));
	lseek(ro, 0, SEEK_SET);
	RESULT(splice(ro, NULL, pipe_fd[1], NULL, 100, 0));
	memset(buf, 0, sizeof(buf));
	CHECK_SYS(read(pipe_fd[0], buf, sizeof(buf)));
	result("by splice: %s\n", buf);
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	close(ro);
	close(wo);
	close(path);
	close(again);
}

TEST(openfiles, descriptors)
{
	compare(make_files, use_descriptors);
}

static void try_locks(const char *when)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 2 };
	struct flock other = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 6, .l_len = 1 };
	int fd = CHECK_SYS(open("dir/f0", O_RDWR));

	result("%s\n", when);
	RESULT(flock(fd, LOCK_EX | LOCK_NB));
	RESULT(flock(fd, LOCK_UN));
	RESULT(fcntl(fd, F_OFD_SETLK, &fl));
	RESULT(fcntl(fd, F_OFD_SETLK, &other));
	IN_CHILD {
		fl.l_start = 0;
		RESULT(fcntl(fd, F_GETLK, &fl));
		result("type %d from %d, %d\n", fl.l_type, (int)fl.l_start, (int)fl.l_len);
	}
	close(fd);
}

static void hold_locks(void)
{
	struct flock ofd = { .l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 2 };
	struct flock posix = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 1 };
	struct flock wait = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 2, .l_len = 1 };
	int fd = CHECK_SYS(open("dir/f0", O_RDONLY)), rw, status;
	int unlocked[2];
	pid_t pid, posix_pid;
	char c;

	RESULT(flock(fd, LOCK_SH));
	RESULT(fcntl(fd, F_OFD_SETLK, &ofd));
	CHECK_SYS(pipe(unlocked));
	posix_pid = CHECK_SYS(fork());
	if (!posix_pid) {
		rw = CHECK_SYS(open("dir/f0", O_RDWR));
		CHECK_SYS(fcntl(rw, F_SETLK, &posix));
		CHECK_EQ(write(unlocked[1], "", 1), 1);
		pause();
	}
	CHECK_EQ(read(unlocked[0], &c, 1), 1);
	try_locks("before");
	/* Waits for the lock from before the copy-up until after it. */
	pid = CHECK_SYS(fork());
	if (!pid) {
		int fd2 = CHECK_SYS(open("dir/f0", O_RDWR));

		CHECK_EQ(write(unlocked[1], "", 1), 1);
		CHECK_SYS(fcntl(fd2, F_OFD_SETLKW, &wait));
		_exit(7);
	}
	CHECK_EQ(read(unlocked[0], &c, 1), 1);
	append_file("dir/f0", "abc");
	try_locks("after");
	CHECK_EQ(waitpid(pid, &status, WNOHANG), 0);
	ofd.l_type = F_UNLCK;
	CHECK_SYS(fcntl(fd, F_OFD_SETLK, &ofd));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	result("the waiter ended with %d\n", WEXITSTATUS(status));
	CHECK_SYS(flock(fd, LOCK_UN));
	try_locks("without the first");
	kill(posix_pid, SIGKILL);
	CHECK_EQ(waitpid(posix_pid, &status, 0), posix_pid);
	try_locks("without any");
	close(fd);
	close(unlocked[0]);
	close(unlocked[1]);
}

TEST(openfiles, locks)
{
	compare(make_files, hold_locks);
}

/* --- leases --- */

static volatile sig_atomic_t broken;

static void on_break(int sig)
{
	(void)sig;
	broken++;
}

static void break_it(const char *how, int lease_fd)
{
	int fd;

	broken = 0;
	result("%s; lease %d\n", how, (int)fcntl(lease_fd, F_GETLEASE));
	IN_CHILD {
		fd = open("dir/f0", O_WRONLY | O_NONBLOCK);
		if (fd >= 0 || errno != EWOULDBLOCK)
			_exit(1);
	}
	result("broken %d, lease %d\n", broken, (int)fcntl(lease_fd, F_GETLEASE));
	RESULT(fcntl(lease_fd, F_SETLEASE, F_UNLCK));
}

static void hold_leases(void)
{
	int fd = CHECK_SYS(open("dir/f0", O_RDONLY)), rw;

	signal(SIGIO, on_break);
	RESULT(fcntl(fd, F_SETLEASE, F_RDLCK));
	CHECK_SYS(chmod("dir/f0", 0600));
	break_it("after chmod", fd);
	/* Changes that break none. */
	close(fd);
	fd = CHECK_SYS(open("dir/f1", O_RDONLY));
	RESULT(fcntl(fd, F_SETLEASE, F_RDLCK));
	broken = 0;
	IN_CHILD
		CHECK_SYS(utimensat(AT_FDCWD, "dir/f1", NULL, 0));
	result("after utimensat: broken %d, lease %d\n", broken, (int)fcntl(fd, F_GETLEASE));
	RESULT(setxattr("dir/f1", "user.a", "b", 1, 0));
	result("after setxattr: broken %d, lease %d\n", broken, (int)fcntl(fd, F_GETLEASE));
	RESULT(rename("dir/f1", "dir/new"));
	result("after rename: broken %d, lease %d\n", broken, (int)fcntl(fd, F_GETLEASE));
	close(fd);
	/* A lease for writing lasts while nobody else opens the file. */
	rw = CHECK_SYS(open("dir/f0", O_RDWR));
	RESULT(fcntl(rw, F_SETLEASE, F_WRLCK));
	RESULT(write(rw, "new", 3));
	break_it("after write", rw);
	close(rw);
	rw = CHECK_SYS(open("dir/f2", O_RDWR));
	RESULT(fcntl(rw, F_SETLEASE, F_WRLCK));
	RESULT(write(rw, "new", 3));
	result("lease %d\n", (int)fcntl(rw, F_GETLEASE));
	broken = 0;
	IN_CHILD
		CHECK_ERR(open("dir/f2", O_RDONLY | O_NONBLOCK), EWOULDBLOCK);
	result("broken %d, lease %d\n", broken, (int)fcntl(rw, F_GETLEASE));
	close(rw);
	signal(SIGIO, SIG_DFL);
}

TEST(openfiles, leases)
{
	compare(make_files, hold_leases);
}

/* --- marks --- */

static void by_write(const char *path)
{
	append_file(path, "x");
}

static void by_truncate(const char *path)
{
	CHECK_SYS(truncate(path, 3));
}

static void by_o_trunc(const char *path)
{
	close(CHECK_SYS(open(path, O_WRONLY | O_TRUNC)));
}

static void by_chmod(const char *path)
{
	CHECK_SYS(chmod(path, 0600));
}

static void by_times(const char *path)
{
	CHECK_SYS(utimensat(AT_FDCWD, path, NULL, 0));
}

static void by_xattr(const char *path)
{
	CHECK_SYS(setxattr(path, "user.a", "b", 1, 0));
}

static void by_rename(const char *path)
{
	CHECK_SYS(rename(path, "dir/renamed"));
	CHECK_SYS(rename("dir/renamed", path));
}

static void by_link(const char *path)
{
	CHECK_SYS(link(path, "dir/linked"));
	CHECK_SYS(unlink("dir/linked"));
}

static void by_mmap(const char *path)
{
	int fd = CHECK_SYS(open(path, O_RDWR));
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	p[0] = 'm';
	CHECK_SYS(msync(p, 4096, MS_SYNC));
	CHECK_SYS(munmap(p, 4096));
	close(fd);
}

static void by_fallocate(const char *path)
{
	int fd = CHECK_SYS(open(path, O_RDWR));

	CHECK_SYS(fallocate(fd, 0, 0, 4096));
	close(fd);
}

static void by_copy_range(const char *path)
{
	int fd = CHECK_SYS(open(path, O_RDWR));
	loff_t from = 0, to = 5;

	CHECK_SYS(copy_file_range(fd, &from, fd, &to, 2, 0));
	close(fd);
}

static void by_neighbour(const char *path)
{
	(void)path;
	mk_file("dir/neighbour", "");
	CHECK_SYS(unlink("dir/neighbour"));
}

static const struct change {
	const char *name;
	void (*fn)(const char *path);
} changes[] = {
	{ "write", by_write }, { "truncate", by_truncate }, { "O_TRUNC", by_o_trunc },
	{ "chmod", by_chmod }, { "utimensat", by_times }, { "setxattr", by_xattr },
	{ "rename", by_rename }, { "link", by_link }, { "mmap", by_mmap },
	{ "fallocate", by_fallocate }, { "copy_file_range", by_copy_range },
	{ "a neighbour", by_neighbour },
};

#define CHANGES	(sizeof(changes) / sizeof(*changes))

static void inotify_events(int in, int file, int dir)
{
	char buf[8192] __attribute__((aligned(8)));
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n;) {
			const struct inotify_event *e = (void *)p;

			result("  %s %x %s cookie %d\n",
			       e->wd == file ? "file" : e->wd == dir ? "dir" : "?", e->mask,
			       e->len ? e->name : "-", !!e->cookie);
			p += sizeof(*e) + e->len;
		}
}

static void watch(void)
{
	char path[16];

	for (size_t i = 0; i < CHANGES; i++) {
		int in = CHECK_SYS(inotify_init1(IN_NONBLOCK)), file, dir;

		snprintf(path, sizeof(path), "dir/f%zu", i);
		file = CHECK_SYS(inotify_add_watch(in, path, IN_ALL_EVENTS));
		dir = CHECK_SYS(inotify_add_watch(in, "dir", IN_ALL_EVENTS));
		result("%s\n", changes[i].name);
		changes[i].fn(path);
		inotify_events(in, file, dir);
		result("then\n");
		append_file(path, "more");
		CHECK_SYS(chmod(path, 0604));
		cat(path);
		CHECK_SYS(unlink(path));
		inotify_events(in, file, dir);
		close(in);
	}
}

/* Each change as the first one; the directory comes up with the first of all. */
TEST(openfiles, inotify)
{
	compare(make_files, watch);
}

static void fanotify_events(int fan)
{
	char buf[8192] __attribute__((aligned(8))), link[64], path[PATH_MAX];
	struct fanotify_event_metadata *e = (void *)buf;
	ssize_t n;

	while ((n = read(fan, buf, sizeof(buf))) > 0)
		for (e = (void *)buf; FAN_EVENT_OK(e, n); e = FAN_EVENT_NEXT(e, n)) {
			ssize_t len;

			snprintf(link, sizeof(link), "/proc/self/fd/%d", e->fd);
			len = CHECK_SYS(readlink(link, path, sizeof(path) - 1));
			path[len] = 0;
			result("  %llx %s\n", (unsigned long long)e->mask,
			       strrchr(path, '/') + 1);
			close(e->fd);
		}
}

#define FAN_EVENTS (FAN_OPEN | FAN_ACCESS | FAN_MODIFY | FAN_CLOSE)

static void mark(bool mount_mark)
{
	char path[16];

	for (size_t i = 0; i < CHANGES; i++) {
		int fan = CHECK_SYS(fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY));
		int fd;

		snprintf(path, sizeof(path), "dir/f%zu", i);
		fd = CHECK_SYS(open(path, O_RDONLY));
		if (mount_mark) {
			CHECK_SYS(fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_EVENTS,
						AT_FDCWD, "."));
		} else {
			CHECK_SYS(fanotify_mark(fan, FAN_MARK_ADD, FAN_EVENTS, AT_FDCWD, path));
			CHECK_SYS(fanotify_mark(fan, FAN_MARK_ADD,
						FAN_EVENTS | FAN_ONDIR | FAN_EVENT_ON_CHILD,
						AT_FDCWD, "dir"));
		}
		result("%s\n", changes[i].name);
		changes[i].fn(path);
		fanotify_events(fan);
		result("then\n");
		append_file(path, "more");
		cat(path);
		cat_fd(fd);
		close(fd);
		CHECK_SYS(unlink(path));
		fanotify_events(fan);
		close(fan);
	}
}

static void mark_inodes(void)
{
	mark(false);
}

static void mark_mount(void)
{
	mark(true);
}

TEST(openfiles, fanotify)
{
	compare(make_files, mark_inodes);
}

TEST(openfiles, fanotify_mount)
{
	compare(make_files, mark_mount);
}

/* Who may refuse an open still may after the copy-up. */
static void refuse(void)
{
	int fan = CHECK_SYS(fanotify_init(FAN_CLASS_CONTENT | FAN_NONBLOCK, O_RDONLY));
	int fd = CHECK_SYS(open("dir/f0", O_RDWR)), done[2];
	pid_t pid;
	char c;

	if (fanotify_mark(fan, FAN_MARK_ADD, FAN_OPEN_PERM, AT_FDCWD, "dir/f0"))
		test_skip("no permission events in this kernel: %s", strerror(errno));
	RESULT(write(fd, "abc", 3));
	close(fd);
	CHECK_SYS(pipe(done));
	fcntl(done[0], F_SETFL, O_NONBLOCK);
	pid = CHECK_SYS(fork());
	if (!pid) {
		fd = open("dir/f0", O_RDONLY);
		c = fd < 0 ? errno : 0;
		CHECK_EQ(write(done[1], &c, 1), 1);
		_exit(0);
	}
	while (read(done[0], &c, 1) != 1) {
		struct fanotify_event_metadata e;
		struct fanotify_response r;

		if (read(fan, &e, sizeof(e)) != sizeof(e))
			continue;
		r = (struct fanotify_response){ e.fd, FAN_DENY };
		CHECK_EQ(write(fan, &r, sizeof(r)), sizeof(r));
		close(e.fd);
	}
	result("open: %d\n", c);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	close(fan);
	close(done[0]);
	close(done[1]);
}

TEST(openfiles, fanotify_permission)
{
	compare(make_files, refuse);
	CHECK(strstr(said_by_mnt, "open: 1\n"));
}

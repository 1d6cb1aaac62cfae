// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rows of the table of behaviours, a probe each.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "behaviours.h"

#ifndef RWF_NOAPPEND
#define RWF_NOAPPEND	0x00000020
#endif
#ifndef FS_IOC_GETFSUUID
#define FS_IOC_GETFSUUID	_IOR(0x15, 0, struct { __u8 len; __u8 uuid[16]; })
#endif

static void yes_no(bool yes)
{
	cell(yes ? "yes" : "no");
}

static void rename_directory(void)
{
	cell_rc(rename("mnt/d", "mnt/d2"), "works");
}

static bool ino_stays(const char *path)
{
	ino_t ino = stat_of(path).st_ino;

	append_file(path, "!");
	if (stat_of(path).st_ino != ino)
		return false;
	probe_remount();
	return stat_of(path).st_ino == ino;
}

static void ino_same_fs(void)
{
	cell(ino_stays("mnt/f") ? "stays" : "changes");
}

static void ino_other_fs(void)
{
	cell(ino_stays("mnt/t") ? "stays" : "changes");
}

static void ino_of_links(void)
{
	cell(ino_stays("mnt/a") ? "stays" : "changes");
}

static void one_device(void)
{
	dev_t dev = stat_of("mnt").st_dev;

	mk_file("mnt/new", "");
	yes_no(stat_of("mnt/f").st_dev == dev && stat_of("mnt/t").st_dev == dev &&
	       stat_of("mnt/d").st_dev == dev && stat_of("mnt/new").st_dev == dev);
}

static void d_ino(void)
{
	bool same = true;
	struct dirent *de;
	char path[512];
	DIR *dir;

	append_file("mnt/f", "!");
	append_file("mnt/t", "!");
	dir = opendir("mnt");
	while ((de = readdir(dir))) {
		if (!strcmp(de->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "mnt/%s", de->d_name);
		same &= stat_of(path).st_ino == de->d_ino;
	}
	yes_no(same);
}

static void links(void)
{
	append_file("mnt/a", "!");
	cell(strcmp(cat("mnt/a"), cat("mnt/b")) ? "come apart" : "stay links");
}

static void open_for_writing(void)
{
	close(CHECK_SYS(open("mnt/f", O_RDWR)));
	if (is_plain())
		cell("-");
	else
		yes_no(exists("upper/f"));
}

static void chown_copies(void)
{
	CHECK_SYS(chown("mnt/big", 5, 6));
	if (is_plain())
		cell("-");
	else
		cell(stat_of("upper/big").st_blocks * 512 < 200000 ? "attributes" : "data, too");
}

static void old_descriptor(void)
{
	int fd = CHECK_SYS(open("mnt/f", O_RDONLY));

	append_file("mnt/f", "!");
	yes_no(!strcmp(cat_fd(fd), "0123456789!"));
}

static void old_mapping(void)
{
	int fd = CHECK_SYS(open("mnt/f", O_RDONLY)), wr;
	const char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	CHECK_EQ(p[0], '0');
	wr = CHECK_SYS(open("mnt/f", O_WRONLY));
	CHECK_EQ(write(wr, "x", 1), 1);
	yes_no(((volatile const char *)p)[0] == 'x');
}

static void text_busy(void)
{
	int p[2], fd, err;
	pid_t pid;

	CHECK_SYS(pipe(p));
	pid = CHECK_SYS(fork());
	if (!pid) {
		dup2(p[0], STDIN_FILENO);
		dup2(open("/dev/null", O_WRONLY), STDOUT_FILENO);
		close(p[0]);
		close(p[1]);
		execl("mnt/prog", "cat", NULL);
		_exit(1);
	}
	close(p[0]);
	/* It is read only when the program runs. */
	CHECK_EQ(write(p[1], "\n", 1), 1);
	for (int left = 1; left;)
		CHECK_SYS(ioctl(p[1], FIONREAD, &left));
	fd = open("mnt/prog", O_WRONLY);
	err = errno;
	close(p[1]);
	waitpid(pid, NULL, 0);
	errno = err;
	cell_rc(fd, "works");
}

static void atime(void)
{
	struct timespec t[2] = { { 1000, 0 }, { 2000, 0 } };

	CHECK_SYS(utimensat(AT_FDCWD, is_plain() ? "mnt/f" : "l1/f", t, 0));
	probe_remount();
	cat("mnt/f");
	yes_no(stat_of("mnt/f").st_atime > OLD_BEFORE);
}

static void btime(void)
{
	struct statx a, b;

	CHECK_SYS(statx(AT_FDCWD, "mnt/f", 0, STATX_BTIME, &a));
	append_file("mnt/f", "!");
	CHECK_SYS(statx(AT_FDCWD, "mnt/f", 0, STATX_BTIME, &b));
	cell(memcmp(&a.stx_btime, &b.stx_btime, sizeof(a.stx_btime)) ? "changes" : "stays");
}

static void directory_mtime(void)
{
	append_file("mnt/d/x", "!");
	cell(stat_of("mnt/d").st_mtime == 1000 ? "stays" : "changes");
}

static void watch(void)
{
	char buf[4096];
	int fd = CHECK_SYS(inotify_init1(IN_NONBLOCK));

	CHECK_SYS(inotify_add_watch(fd, "mnt/f", IN_MODIFY));
	append_file("mnt/f", "!");
	append_file("mnt/f", "!");
	yes_no(read(fd, buf, sizeof(buf)) > 0);
}

static void lock(void)
{
	int fd = CHECK_SYS(open("mnt/f", O_RDWR)), fd2;

	CHECK_SYS(flock(fd, LOCK_EX));
	CHECK_EQ(write(fd, "x", 1), 1);
	fd2 = CHECK_SYS(open("mnt/f", O_RDWR));
	yes_no(flock(fd2, LOCK_EX | LOCK_NB) < 0);
}

static void write_after_unlink(void)
{
	int fd = CHECK_SYS(open("mnt/f", O_RDWR));
	char buf[20] = "";

	CHECK_SYS(unlink("mnt/f"));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_SYS(pread(fd, buf, sizeof(buf), 0));
	yes_no(!strcmp(buf, "x123456789") && !exists("mnt/f"));
}

static void handle(void)
{
	struct { struct file_handle h; unsigned char space[128]; } h = {
		.h.handle_bytes = 128
	};
	int id;

	cell_rc(name_to_handle_at(AT_FDCWD, "mnt/f", &h.h, &id, 0), "works");
}

static int flags_change(const char *path, int set, int clear)
{
	int fd = CHECK_SYS(open(path, O_RDONLY)), flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		return -1;
	flags = (flags | set) & ~clear;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

static void immutable(void)
{
	if (flags_change("mnt/f", FS_IMMUTABLE_FL, 0)) {
		cell("%s", strerrorname_np(errno));
		return;
	}
	yes_no(unlink("mnt/f") < 0 && errno == EPERM);
	flags_change("mnt/f", 0, FS_IMMUTABLE_FL);
}

static void flags_kept(void)
{
	int fd, flags = 0;

	CHECK_SYS(flags_change(is_plain() ? "mnt/f" : "l1/f", FS_NODUMP_FL, 0));
	append_file("mnt/f", "!");
	fd = CHECK_SYS(open("mnt/f", O_RDONLY));
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags))
		cell("%s", strerrorname_np(errno));
	else
		yes_no(flags & FS_NODUMP_FL);
}

static void extents(void)
{
	struct fiemap fm = { .fm_length = FIEMAP_MAX_OFFSET };

	cell_rc(ioctl(CHECK_SYS(open("mnt/f", O_RDONLY)), FS_IOC_FIEMAP, &fm), "works");
}

static void tmpfile_link(void)
{
	int fd = open("mnt/d", O_TMPFILE | O_RDWR, 0600);

	cell_rc(fd < 0 ? fd : linkat(fd, "", AT_FDCWD, "mnt/d/named", AT_EMPTY_PATH), "works");
}

static void exchange(void)
{
	cell_rc(renameat2(AT_FDCWD, "mnt/f", AT_FDCWD, "mnt/d", RENAME_EXCHANGE), "works");
}

static void rename_whiteout(void)
{
	cell_rc(renameat2(AT_FDCWD, "mnt/f", AT_FDCWD, "mnt/f2", RENAME_WHITEOUT), "works");
}

static void whiteout(void)
{
	cell_rc(mknod("mnt/w", S_IFCHR | 0600, makedev(0, 0)), "works");
}

static void nlink_of_directory(void)
{
	nlink_t n = stat_of("mnt/d").st_nlink;

	mk_dir("mnt/d/sub2");
	yes_no(n == 3 && stat_of("mnt/d").st_nlink == 4);
}

static void seek_after_change(void)
{
	char name[256];
	struct dirent *de;
	DIR *dir = opendir("mnt/many");
	long pos;

	for (int i = 0; i < 150; i++)
		readdir(dir);
	pos = telldir(dir);
	de = readdir(dir);
	snprintf(name, sizeof(name), "%s", de->d_name);
	CHECK_SYS(unlink(strcmp(name, "name000") ? "mnt/many/name000" : "mnt/many/name001"));
	mk_file("mnt/many/new", "");
	seekdir(dir, pos);
	de = readdir(dir);
	yes_no(de && !strcmp(de->d_name, name));
}

static void clone(void)
{
	int to = CHECK_SYS(open("mnt/f", O_RDWR));

	cell_rc(ioctl(to, FICLONE, CHECK_SYS(open("mnt/big", O_RDONLY))), "works");
}

static void private_xattr(void)
{
	cell_rc(setxattr("mnt/f", "trusted.overlay.mine", "1", 1, 0), "works");
}

static void freeze(void)
{
	int fd = CHECK_SYS(open("mnt", O_RDONLY)), rc = ioctl(fd, FIFREEZE, 0), err = errno;

	if (!rc)
		CHECK_SYS(ioctl(fd, FITHAW, 0));
	errno = err;
	cell_rc(rc, "works");
}

static void nowait(void)
{
	char buf[10];
	struct iovec iov = { buf, 10 };
	int fd = CHECK_SYS(open("mnt/f", O_RDONLY));

	CHECK_EQ(pread(fd, buf, 10, 0), 10);
	cell_rc(preadv2(fd, &iov, 1, 0, RWF_NOWAIT), "works");
}

static void noappend(void)
{
	struct iovec iov = { "x", 1 };
	int fd = CHECK_SYS(open("mnt/f", O_WRONLY | O_APPEND));

	if (pwritev2(fd, &iov, 1, 0, RWF_NOAPPEND) < 0)
		cell("%s", strerrorname_np(errno));
	else
		yes_no(!strcmp(cat("mnt/f"), "x123456789"));
}

static void file_size_limit(void)
{
	struct rlimit lim = { 1000, RLIM_INFINITY };

	signal(SIGXFSZ, SIG_IGN);
	CHECK_SYS(setrlimit(RLIMIT_FSIZE, &lim));
	cell_rc(chmod("mnt/big", 0600), "works");
}

static void uuid(void)
{
	struct { unsigned char len, uuid[16]; } u;

	cell_rc(ioctl(CHECK_SYS(open("mnt", O_RDONLY)), FS_IOC_GETFSUUID, &u), "works");
}

static void block_size(void)
{
	int n;

	cell_rc(ioctl(CHECK_SYS(open("mnt/f", O_RDONLY)), FIGETBSZ, &n), "works");
}

static void fifo_mtime(void)
{
	struct timespec t[2] = { { 1000, 0 }, { 2000, 0 } };
	int fd;

	CHECK_SYS(mkfifo("mnt/fifo2", 0666));
	CHECK_SYS(utimensat(AT_FDCWD, "mnt/fifo2", t, 0));
	fd = CHECK_SYS(open("mnt/fifo2", O_RDWR));
	CHECK_EQ(write(fd, "x", 1), 1);
	yes_no(stat_of("mnt/fifo2").st_mtime > OLD_BEFORE);
}

static void direct(void)
{
	void *buf = aligned_alloc(4096, 4096);
	int fd = open("mnt/big", O_RDONLY | O_DIRECT);

	cell_rc(fd < 0 ? fd : pread(fd, buf, 4096, 0), "works");
}

static void shared_write_mapping(void)
{
	int fd = CHECK_SYS(open("mnt/f", O_RDWR));
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	CHECK(p != MAP_FAILED);
	p[0] = 'x';
	yes_no(!strcmp(cat("mnt/f"), "x123456789"));
}

static void statfs_type(void)
{
	struct statfs fs;

	CHECK_SYS(statfs("mnt", &fs));
	cell("0x%lx", (unsigned long)fs.f_type);
}

#define ROW(text, probe, ...) { .label = text, .fn = probe, __VA_ARGS__ }

/* The widest label fits into LABEL of behaviours.c. */
const struct row rows[] = {
	ROW("rename(2) of a directory of a layer", rename_directory),
	ROW("RENAME_EXCHANGE of a file and a directory", exchange),
	ROW("RENAME_WHITEOUT", rename_whiteout),
	ROW("st_ino over the first write", ino_same_fs),
	ROW("the same, the layer on another filesystem", ino_other_fs),
	ROW("the same, a file with two links", ino_of_links),
	ROW("st_dev is the same for all files", one_device),
	ROW("d_ino of readdir(3) is st_ino", d_ino),
	ROW("st_nlink counts subdirectories", nlink_of_directory),
	ROW("st_btime over the first write", btime),
	ROW("mtime of a directory, a file in it written to", directory_mtime),
	ROW("two links of a file, one of them written to", links),
	ROW("a descriptor (O_RDONLY) sees a later write", old_descriptor),
	ROW("a mapping (MAP_SHARED) sees a later write", old_mapping),
	ROW("a write through a mapping is seen by read(2)", shared_write_mapping),
	ROW("a file unlinked while open can be written", write_after_unlink),
	ROW("an inotify watch sees the first write", watch),
	ROW("flock(2) holds over the first write", lock),
	ROW("open(O_RDWR) copies the file", open_for_writing),
	ROW("chown(2) copies", chown_copies),
	ROW("chmod(2) of a file over RLIMIT_FSIZE", file_size_limit),
	ROW("open(O_WRONLY) of a running program", text_busy, .prog = true),
	ROW("read(2) changes the atime of a layer's file", atime),
	ROW("write(2) changes the mtime of a FIFO", fifo_mtime),
	ROW("telldir(3) holds when names come and go", seek_after_change, .many = true),
	ROW("O_DIRECT", direct),
	ROW("O_TMPFILE and linkat(2)", tmpfile_link),
	ROW("RWF_NOWAIT, data in the page cache", nowait),
	ROW("RWF_NOAPPEND writes where it should", noappend),
	ROW("chattr +i protects", immutable),
	ROW("chattr +d stays over the first write", flags_kept),
	ROW("FS_IOC_FIEMAP", extents),
	ROW("FICLONE", clone),
	ROW("FIGETBSZ", block_size),
	ROW("FIFREEZE", freeze),
	ROW("FS_IOC_GETFSUUID", uuid),
	ROW("name_to_handle_at(2)", handle),
	ROW("setxattr(2) of trusted.overlay.*", private_xattr),
	ROW("mknod(2) of a device 0/0", whiteout),
	ROW("f_type of statfs(2)", statfs_type),
	{}
};

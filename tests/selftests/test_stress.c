// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many at once: mounts under I/O, racing writers, renames, listings.  Each is
 * bounded by time; what must hold, holds however far it came.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fixture.h"
#include "netlink.h"

#define SECONDS	3

/* What the processes of one test share. */
struct shared {
	volatile int go, stop;
	volatile long count[8];
};

static struct shared *sh;
static pid_t workers[16];
static int nr_workers;

static void shared_init(void)
{
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(sh != MAP_FAILED);
	nr_workers = 0;
}

static void worker(void (*fn)(void *), long n)
{
	workers[nr_workers++] = spawn(fn, (void *)n);
}

/* Lets them run for @seconds and asserts that all ended well. */
static void run_workers(int seconds)
{
	struct timespec ts = { seconds, 0 };

	sh->go = 1;
	nanosleep(&ts, NULL);
	sh->stop = 1;
	for (int i = 0; i < nr_workers; i++)
		reap(workers[i]);
}

static void wait_go(void)
{
	while (!sh->go)
		sched_yield();
}

/* A call that may also fail in one or two expected ways, under a race. */
#define MAY_FAIL(call, err1, err2)					\
	do {								\
		if ((call) == -1 && errno != (err1) && errno != (err2))	\
			FAIL("%s: %s", #call, strerror(errno));		\
	} while (0)

/* --- mounts --- */

static void mount_and_umount(void *arg)
{
	char upper[16], work[16], mnt[16], path[32];
	struct mnt_opt opts[] = { { "lowerdir", "l1:l2" }, { "upperdir", upper },
				  { "workdir", work }, {} };
	int n = (long)arg;

	snprintf(upper, sizeof(upper), "upper%d", n);
	snprintf(work, sizeof(work), "work%d", n);
	snprintf(mnt, sizeof(mnt), "mnt%d", n);
	mk_dir(upper);
	mk_dir(work);
	mk_dir(mnt);
	for (int i = 0; i < 25; i++) {
		struct listing l;

		if (fs_mount(opts, mnt))
			FAIL("mount %s: %s", mnt, mount_log);
		snprintf(path, sizeof(path), "%s/d/f%d", mnt, i);
		append_file(path, "+");
		snprintf(path, sizeof(path), "%s/n%d", mnt, i);
		mk_file(path, "new");
		CHECK_EQ(tree_list(mnt, 0, &l), 0);
		CHECK_EQ(l.count, 1 + 1 + 30 + 1 + i + 1);
		listing_free(&l);
		CHECK_SYS(umount(mnt));
		sh->count[0]++;
	}
}

static void read_all_the_time(void *arg)
{
	(void)arg;
	while (!sh->stop) {
		struct listing l;

		CHECK_EQ(tree_list("mnt", 0, &l), 0);
		CHECK_EQ(l.count, 1 + 1 + 30 + 1);
		listing_free(&l);
		sh->count[1]++;
	}
}

/* Objects in use of each of the module's slab caches. */
static long slab_objects(void)
{
	char line[512], name[64], path[128];
	long active, sum = 0;
	FILE *f;
	int fd;

	f = fopen("/proc/slabinfo", "r");
	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, "layerfs", 7))
			continue;
		CHECK_EQ(sscanf(line, "%63s %ld", name, &active), 2);
		snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", name);
		fd = open(path, O_WRONLY);
		if (fd >= 0) {
			MAY_FAIL(write(fd, "1", 1), EINVAL, 0);
			close(fd);
		}
	}
	rewind(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, "layerfs", 7) &&
		    sscanf(line, "%63s %ld", name, &active) == 2) {
			test_note("%s: %ld", name, active);
			sum += active;
		}
	fclose(f);
	return sum;
}

/*
 * 100 mounts and unmounts of one layer list by four processes while a fifth
 * mount of it is read; at the end nothing of it is left in the kernel.
 */
TEST_WITH(stress, mounts_under_io, .timeout = 900, .alone = true)
{
	static struct nl_row rows[64];
	char path[32];

	fx_dirs(2);
	mk_dir("l1/d");
	mk_dir("l2/d");
	for (int i = 0; i < 30; i++) {
		snprintf(path, sizeof(path), "l%d/d/f%d", i % 2 + 1, i);
		mk_file(path, "x");
	}
	mk_file("l2/top", "x");
	fx_mount(2);
	shared_init();
	for (int i = 1; i <= 4; i++)
		worker(mount_and_umount, i);
	workers[4] = spawn(read_all_the_time, NULL);
	for (int i = 0; i < 4; i++)
		reap(workers[i]);
	sh->stop = 1;
	reap(workers[4]);
	CHECK_EQ(sh->count[0], 100);
	CHECK(sh->count[1] > 0);
	fx_umount();
	if (on_overlay())
		return;
	for (int cmd = LAYERFS_CMD_GET_LAYER; cmd <= LAYERFS_CMD_MAX; cmd++)
		CHECK_EQ(nl_dump(cmd, rows, 64), 0);
	/* inodes are freed after a grace period */
	for (int i = 0; slab_objects() && i < 50; i++)
		usleep(100000);
	CHECK_EQ(slab_objects(), 0);
}

/* --- writers --- */

#define RACE_FILES	25
#define RACE_SIZE	300000

static void race_writer(void *arg)
{
	char path[32];
	int n = (long)arg;

	for (int i = 0; i < RACE_FILES; i++) {
		int fd;

		snprintf(path, sizeof(path), "mnt/f%d", i);
		fd = CHECK_SYS(open(path, O_RDWR));
		__sync_fetch_and_add(&sh->count[7], 1);
		while (sh->count[7] < (i + 1) * 4)
			sched_yield();
		CHECK_EQ(pwrite(fd, "W", 1, n * 70000), 1);
		CHECK_SYS(fchmod(fd, 0600 | n));
		close(fd);
	}
}

/* Four processes write to one lower file at the same moment: one copy. */
TEST_WITH(stress, racing_writers_copy_once, .timeout = 900)
{
	unsigned char *p;
	char path[32];

	fx_dirs(1);
	for (int i = 0; i < RACE_FILES; i++) {
		snprintf(path, sizeof(path), "l1/f%d", i);
		mk_pattern(path, RACE_SIZE, i);
	}
	fx_mount(1);
	shared_init();
	for (int n = 0; n < 4; n++)
		worker(race_writer, n);
	run_workers(0);
	for (int i = 0; i < RACE_FILES; i++) {
		int fd;

		snprintf(path, sizeof(path), "upper/f%d", i);
		fd = CHECK_SYS(open(path, O_RDONLY));
		p = mmap(NULL, RACE_SIZE, PROT_READ, MAP_PRIVATE, fd, 0);
		CHECK(p != MAP_FAILED);
		for (int pos = 0; pos < RACE_SIZE; pos++)
			if (p[pos] != (pos % 70000 || pos > 210000 ?
				       pattern_byte(i, pos) : 'W'))
				FAIL("%s: wrong byte at %d", path, pos);
		munmap(p, RACE_SIZE);
		close(fd);
	}
	if (!on_overlay())
		CHECK_EQ(nl_container("mnt").count[LAYERFS_C_COPYUP_FILES],
			 RACE_FILES);
}

/* Readers never see anything but old or new, while the file is copied up. */
static void reader_during_copy_up(void *arg)
{
	unsigned char buf[8192];
	char path[32];
	(void)arg;

	wait_go();
	do {
		for (int i = 0; i < RACE_FILES; i++) {
			unsigned char *p;
			int fd;

			snprintf(path, sizeof(path), "mnt/f%d", i);
			fd = CHECK_SYS(open(path, O_RDONLY));
			p = mmap(NULL, RACE_SIZE, PROT_READ, MAP_SHARED, fd, 0);
			CHECK(p != MAP_FAILED);
			for (int pos = 0; pos < RACE_SIZE - 8192; pos += 60000) {
				CHECK_EQ(pread(fd, buf, 8192, pos), 8192);
				for (int j = 0; j < 8192; j += 97) {
					unsigned char want = pattern_byte(i, pos + j);

					if (buf[j] != want || p[pos + j] != want)
						FAIL("%s: wrong byte at %d", path,
						     pos + j);
				}
			}
			munmap(p, RACE_SIZE);
			close(fd);
			sh->count[1]++;
		}
	} while (!sh->stop);
}

static void copy_up_one_by_one(void *arg)
{
	char path[32];
	(void)arg;

	wait_go();
	for (int i = 0; i < RACE_FILES && !sh->stop; i++) {
		unsigned char same = pattern_byte(i, 5);
		int fd;

		snprintf(path, sizeof(path), "mnt/f%d", i);
		fd = CHECK_SYS(open(path, O_RDWR));
		CHECK_EQ(pwrite(fd, &same, 1, 5), 1);
		close(fd);
		usleep(SECONDS * 800000 / RACE_FILES);
	}
}

TEST_WITH(stress, readers_during_copy_up, .timeout = 900)
{
	char path[32];

	fx_dirs(1);
	for (int i = 0; i < RACE_FILES; i++) {
		snprintf(path, sizeof(path), "l1/f%d", i);
		mk_pattern(path, RACE_SIZE, i);
	}
	fx_mount(1);
	shared_init();
	worker(reader_during_copy_up, 0);
	worker(reader_during_copy_up, 1);
	worker(copy_up_one_by_one, 0);
	run_workers(SECONDS);
	CHECK(sh->count[1] > 0);
}

/* --- names --- */

static void unlink_all(void *arg)
{
	char path[32];
	(void)arg;

	wait_go();
	for (int i = 0; i < 300 && !sh->stop; i++) {
		snprintf(path, sizeof(path), "mnt/d/f%d", i);
		MAY_FAIL(unlink(path), ENOENT, 0);
	}
}

static void write_all(void *arg)
{
	char path[32];
	long n = (long)arg;
	int fd;

	wait_go();
	for (int i = 0; i < 300 && !sh->stop; i++) {
		snprintf(path, sizeof(path), "mnt/d/f%d", i);
		fd = open(path, O_RDWR);
		if (fd < 0) {
			CHECK_EQ(errno, ENOENT);
			continue;
		}
		CHECK_EQ(pwrite(fd, "changed", 7, n * 7), 7);
		CHECK_SYS(fchmod(fd, 0600));
		close(fd);
		MAY_FAIL(chmod(path, 0640), ENOENT, 0);
	}
}

/* A name that was unlinked while it was copied up stays unlinked. */
TEST_WITH(stress, unlink_against_copy_up, .timeout = 900)
{
	char path[32];

	fx_dirs(1);
	mk_dir("l1/d");
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "l1/d/f%d", i);
		mk_file(path, "x");
	}
	fx_mount(1);
	shared_init();
	worker(unlink_all, 0);
	worker(write_all, 0);
	worker(write_all, 1);
	sh->go = 1;
	for (int i = 0; i < nr_workers; i++)
		reap(workers[i]);
	CHECK_STR(ls("mnt/d"), "");
	fx_remount();
	CHECK_STR(ls("mnt/d"), "");
	for (int i = 0; i < 300; i++) {
		snprintf(path, sizeof(path), "upper/d/f%d", i);
		CHECK(is_whiteout(path));
	}
}

static void rename_about(void *arg)
{
	unsigned int seed = (long)arg + 1;
	char from[32], to[32];

	wait_go();
	while (!sh->stop) {
		unsigned int flags = rand_r(&seed) % 4 ? 0 : RENAME_EXCHANGE;

		snprintf(from, sizeof(from), "mnt/d%d/%c%d", rand_r(&seed) % 3,
			 rand_r(&seed) % 2 ? 'f' : 's', rand_r(&seed) % 6);
		snprintf(to, sizeof(to), "mnt/d%d/%c%d", rand_r(&seed) % 3,
			 from[7], rand_r(&seed) % 6);
		if (!flags)
			flags = RENAME_NOREPLACE;
		if (renameat2(AT_FDCWD, from, AT_FDCWD, to, flags) &&
		    errno != ENOENT && errno != EEXIST)
			FAIL("rename %s %s %u: %s", from, to, flags,
			     strerror(errno));
		__sync_fetch_and_add(&sh->count[0], 1);
	}
}

static void drop_all_the_time(void *arg)
{
	(void)arg;
	wait_go();
	while (!sh->stop) {
		drop_caches(false);
		usleep(50000);
	}
}

/* Every file and directory is still there, once, with what was in it. */
static void check_census(void)
{
	int files[4] = {}, dirs[4] = {};
	struct listing l;

	CHECK_EQ(tree_list("mnt", 0, &l), 0);
	for (size_t i = 0; i < l.count; i++) {
		char *name = strrchr(l.line[i], '/');
		char *in = strstr(l.line[i], "in");

		if (name && in == name + 1 && strchr("0123", in[2]))
			dirs[in[2] - '0']++;
		if (strstr(l.line[i], "size=1 "))
			files[0]++;
		if (strstr(l.line[i], "size=2 "))
			files[1]++;
	}
	CHECK_EQ(files[0], 6);
	CHECK_EQ(files[1], 6);
	for (int i = 0; i < 4; i++)
		CHECK_EQ(dirs[i], 1);
	listing_free(&l);
}

/*
 *	l1/d0/{f0..f5}	6 files of one byte	l1/d0/s0/in0, s1/in1
 *	l2/d1/{f0..f5}	6 files of two bytes	l2/d1/s2/in2, s3/in3
 *	l1/d2/
 * Files and directories are moved and exchanged by four processes.
 */
TEST_WITH(stress, rename_against_rename, .timeout = 900)
{
	char path[32];

	fx_dirs(2);
	mk_dir("l1/d0");
	mk_dir("l2/d1");
	mk_dir("l1/d2");
	for (int i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "l1/d0/f%d", i);
		mk_file(path, "1");
		snprintf(path, sizeof(path), "l2/d1/f%d", i);
		mk_file(path, "22");
	}
	mk_dirs("l1/d0/s0/in0");
	mk_dirs("l1/d0/s1/in1");
	mk_dirs("l2/d1/s2/in2");
	mk_dirs("l2/d1/s3/in3");
	fx_mount(2);
	shared_init();
	for (int i = 0; i < 4; i++)
		worker(rename_about, i);
	worker(drop_all_the_time, 0);
	run_workers(SECONDS);
	test_note("%ld renames", sh->count[0]);
	CHECK(sh->count[0] > 0);
	check_census();
	fx_remount();
	check_census();
}

/* --- listings --- */

static void change_names(void *arg)
{
	char path[32], to[32];
	int n = (long)arg;

	wait_go();
	for (int i = 0; !sh->stop; i = (i + 1) % 40) {
		snprintf(path, sizeof(path), "mnt/d/t%d.%d", n, i);
		snprintf(to, sizeof(to), "mnt/d/u%d.%d", n, i);
		mk_file(path, "");
		CHECK_SYS(rename(path, to));
		if (i % 3)
			CHECK_SYS(unlink(to));
		sh->count[n]++;
	}
}

static void change_stable_files(void *arg)
{
	char path[32];
	(void)arg;

	wait_go();
	for (int i = 0; i < 60 && !sh->stop; i++) {
		snprintf(path, sizeof(path), "mnt/d/s%d", i);
		append_file(path, "+");
		usleep(20000);
	}
}

static void list_all_the_time(void *arg)
{
	(void)arg;
	wait_go();
	while (!sh->stop) {
		char seen[60] = {};
		struct dirent *de;
		DIR *dir = opendir("mnt/d");
		int n = 0;

		CHECK(dir);
		while ((errno = 0, de = readdir(dir))) {
			int i;

			if (de->d_name[0] != 's')
				continue;
			i = atoi(de->d_name + 1);
			CHECK(i >= 0 && i < 60);
			if (seen[i]++)
				FAIL("%s listed twice", de->d_name);
			CHECK_EQ(de->d_type, DT_REG);
			n++;
		}
		CHECK_EQ(errno, 0);
		if (n != 60)
			FAIL("%d of 60 lasting names were listed", n);
		closedir(dir);
		__sync_fetch_and_add(&sh->count[7], 1);
	}
}

/*
 *	l1/d/s0..s59, half of them in l2: they stay, whatever comes and goes.
 */
TEST_WITH(stress, readdir_against_everything, .timeout = 900)
{
	char path[32];

	fx_dirs(2);
	mk_dir("l1/d");
	mk_dir("l2/d");
	for (int i = 0; i < 60; i++) {
		snprintf(path, sizeof(path), "l%d/d/s%d", i % 2 + 1, i);
		mk_file(path, "x");
	}
	fx_mount(2);
	shared_init();
	worker(list_all_the_time, 0);
	worker(list_all_the_time, 0);
	worker(change_names, 0);
	worker(change_names, 1);
	worker(change_stable_files, 0);
	worker(drop_all_the_time, 0);
	run_workers(SECONDS);
	test_note("%ld listings", sh->count[7]);
	CHECK(sh->count[7] > 0);
	CHECK(sh->count[0] > 0);
}

/* --- trees --- */

static void make_and_remove_trees(void *arg)
{
	char top[32], path[64];
	int n = (long)arg;

	wait_go();
	for (int i = 0; !sh->stop; i++) {
		snprintf(top, sizeof(top), "mnt/common/%d", n);
		snprintf(path, sizeof(path), "%s/a/b/c", top);
		mk_dirs(path);
		snprintf(path, sizeof(path), "%s/a/b/c/f", top);
		mk_file(path, "x");
		snprintf(path, sizeof(path), "%s/low%d", top, n);
		MAY_FAIL(rename(path, "mnt/common/taken"), ENOENT, 0);
		tree_remove(top);
		CHECK_EQ(exists(top), false);
		sh->count[n]++;
	}
}

/* Each has a tree of its own in one directory, lower at first. */
TEST_WITH(stress, trees_made_and_removed, .timeout = 900)
{
	char path[64];

	fx_dirs(2);
	for (int n = 0; n < 4; n++) {
		snprintf(path, sizeof(path), "l%d/common/%d/a/b", n % 2 + 1, n);
		mk_dirs(path);
		snprintf(path, sizeof(path), "l%d/common/%d/low%d", n % 2 + 1, n, n);
		mk_file(path, "low");
	}
	fx_mount(2);
	shared_init();
	for (int n = 0; n < 4; n++)
		worker(make_and_remove_trees, n);
	worker(drop_all_the_time, 0);
	run_workers(SECONDS);
	CHECK_STR(ls("mnt/common"), "taken");
	fx_remount();
	CHECK_STR(ls("mnt/common"), "taken");
}

/* --- sharing --- */

static void compare_listings(void *arg)
{
	const char *mnt = arg ? "mnt2" : "mnt";
	struct listing want, got;

	CHECK_EQ(tree_list("l1", 0, &want), 0);
	wait_go();
	do {
		CHECK_EQ(tree_list(mnt, 0, &got), 0);
		CHECK(listing_equal(&want, "want", &got, "got", 5));
		listing_free(&got);
		sh->count[(long)arg]++;
	} while (!sh->stop);
}

/* Two containers on one image, whose memory is taken away all the time. */
TEST_WITH(stress, one_image_under_memory_pressure, .timeout = 900)
{
	static const struct mnt_opt opts[] = { { "lowerdir", "l1" },
					       { "upperdir", "upper2" },
					       { "workdir", "work2" }, {} };
	char path[64];

	fx_dirs(1);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof(path), "l1/d%d/e%d", i % 5, i % 10);
		mk_dirs(path);
		snprintf(path, sizeof(path), "l1/d%d/e%d/f%d", i % 5, i % 10, i);
		mk_file(path, path);
	}
	fx_mount(1);
	mk_dir("upper2");
	mk_dir("work2");
	mk_dir("mnt2");
	CHECK_EQ(fs_mount(opts, "mnt2"), 0);
	shared_init();
	worker(compare_listings, 0);
	worker(compare_listings, 1);
	worker(compare_listings, 1);
	worker(drop_all_the_time, 0);
	run_workers(SECONDS);
	CHECK(sh->count[0] > 0 && sh->count[1] > 0);
	CHECK_SYS(umount("mnt2"));
}

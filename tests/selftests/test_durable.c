// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is promised about disks: that data comes before names, that blocks kept
 * for root are kept, that nobody who is slow keeps a filesystem from being
 * frozen, and that a copy-up gets done.
 *
 *	img		a disk image
 *	disk/		an ext4 on it
 *	|-- upper/
 *	`-- work/
 *	l1/file		"lower"
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include "fixture.h"
#include "fuse.h"

#define MIB (1024 * 1024)

/* Nothing but what is asked for makes the journal commit. */
#define EXT4_DISK "mkfs.ext4 -q", "commit=600"

static char loop[64];

/* Makes disk/ on img and mounts l1 with an upper there. */
static void on_a_disk(const char *mkfs, const char *mount_options, const char *option)
{
	char command[512];
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "disk/upper" },
				  { "workdir", "disk/work" }, { option, NULL }, {} };

	mk_dirs("l1");
	mk_dirs("mnt");
	mk_dirs("disk");
	CHECK_EQ(system("truncate -s 64M img && { test -e /dev/loop-control || modprobe loop; }"),
		 0);
	/* The device goes with the mount, and nobody has it open for writing beside that. */
	snprintf(command, sizeof(command),
		 "%s img && losetup -f --show img >source && "
		 "{ mount -o %s $(cat source) disk; rc=$?; losetup -d $(cat source); exit $rc; }",
		 mkfs, mount_options);
	CHECK_EQ(loop_system(command), 0);
	snprintf(loop, sizeof(loop), "%s", cat("source"));
	loop[strcspn(loop, "\n")] = '\0';
	mk_dir("disk/upper");
	mk_dir("disk/work");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
}

static void off_the_disk(void)
{
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("disk"));
}

/* How often the disk was asked to empty its cache. */
static unsigned long flushes(void)
{
	unsigned long v[16] = {};
	char path[96], buf[512];
	int n = 0;

	snprintf(path, sizeof(path), "/sys/block/%s/stat", loop + strlen("/dev/"));
	snprintf(buf, sizeof(buf), "%s", cat(path));
	for (char *s = strtok(buf, " \n"); s && n < 16; s = strtok(NULL, " \n"))
		v[n++] = strtoul(s, NULL, 10);
	CHECK_EQ(n, 16);
	return v[15];
}

/* Where a journal's commit does not do it, the copy-up itself empties the cache. */
static void copy_up_flushes(const char *mkfs, const char *mount_options, bool does)
{
	unsigned long before;

	mk_dirs("l1");
	mk_file("l1/file", "lower");
	on_a_disk(mkfs, mount_options, NULL);
	before = flushes();
	append_file("mnt/file", "!");
	CHECK_STR(cat("disk/upper/file"), "lower!");
	CHECK_EQ(flushes() > before, does);
	off_the_disk();
}

TEST(durable, a_journal_spares_the_flush)
{
	SKIP_ON_OVERLAY("syncs each copy-up");
	copy_up_flushes(EXT4_DISK, false);
}

TEST(durable, without_a_journal_data_is_flushed)
{
	copy_up_flushes("mkfs.ext4 -q -O ^has_journal", "rw", true);
}

/* As on a plain ext4 with nobarrier: no sync is no sync, however it is asked for. */
TEST(durable, volatile_does_not_flush)
{
	unsigned long before;
	int fd;

	mk_dirs("l1");
	mk_file("l1/file", "lower");
	on_a_disk(EXT4_DISK, "volatile");
	before = flushes();
	fd = CHECK_SYS(open("mnt/file", O_RDWR | O_SYNC));
	CHECK_EQ(write(fd, "upper", 5), 5);
	CHECK_SYS(fsync(fd));
	close(fd);
	fd = CHECK_SYS(open("mnt/new", O_RDWR | O_CREAT | O_SYNC, 0600));
	CHECK_EQ(write(fd, "new", 3), 3);
	close(fd);
	CHECK_EQ(flushes(), before);
	off_the_disk();
}

/*
 * Blocks that an ext4 keeps for root, as whom the mounter writes, are not for
 * whoever uses the mount.
 */
TEST(durable, reserved_blocks_stay_reserved)
{
	static char buf[256 * 1024];
	struct statvfs st;
	ssize_t n;
	int fd;

	SKIP_ON_OVERLAY("writes as the mounter");
	on_a_disk("mkfs.ext4 -q -m 50", "rw", NULL);
	fd = CHECK_SYS(open("mnt/big", O_WRONLY | O_CREAT, 0600));
	memset(buf, 'x', sizeof(buf));
	do {
		n = write(fd, buf, sizeof(buf));
	} while (n > 0);
	CHECK_EQ(errno, ENOSPC);
	CHECK_SYS(fsync(fd));
	CHECK_ERR(fallocate(fd, 0, 0, 60 * MIB), ENOSPC);
	close(fd);
	CHECK_SYS(statvfs("disk", &st));
	CHECK((long long)(st.f_bfree - st.f_bavail) * st.f_frsize > 24 * MIB);
	CHECK(st.f_bfree * st.f_frsize > 24 * MIB);
	off_the_disk();
}

/* Has the file data that has no place on the disk yet, and nobody writes it there? */
static bool is_delayed(const char *path)
{
	struct {
		struct fiemap map;
		struct fiemap_extent ext[8];
	} f = { .map = { .fm_length = FIEMAP_MAX_OFFSET, .fm_extent_count = 8 } };
	int fd = CHECK_SYS(open(path, O_RDONLY));
	bool delayed = false;

	CHECK_SYS(ioctl(fd, FS_IOC_FIEMAP, &f.map));
	close(fd);
	CHECK(f.map.fm_mapped_extents);
	for (unsigned int i = 0; i < f.map.fm_mapped_extents; i++)
		delayed |= f.ext[i].fe_flags & FIEMAP_EXTENT_DELALLOC;
	return delayed;
}

/* Written anew in place: ext4 writes that back at the close. */
TEST(durable, truncated_and_written_is_written_back_at_the_close)
{
	int fd;

	mk_dirs("l1");
	mk_file("l1/file", "lower");
	mk_file("l1/other", "lower");
	on_a_disk(EXT4_DISK, NULL);
	fd = CHECK_SYS(open("mnt/file", O_WRONLY | O_TRUNC));
	CHECK_EQ(write(fd, "upper", 5), 5);
	CHECK(is_delayed("disk/upper/file"));
	close(fd);
	CHECK(!is_delayed("disk/upper/file"));
	/* what was not truncated may wait */
	fd = CHECK_SYS(open("mnt/new", O_WRONLY | O_CREAT, 0600));
	CHECK_EQ(write(fd, "new", 3), 3);
	close(fd);
	CHECK(is_delayed("disk/upper/new"));
	off_the_disk();
}

/* Written aside and renamed over a file, which only a layer has. */
TEST(durable, renamed_over_a_layers_file_is_written_back)
{
	mk_dirs("l1");
	mk_file("l1/file", "lower");
	on_a_disk(EXT4_DISK, NULL);
	mk_file("mnt/new", "upper");
	CHECK(is_delayed("disk/upper/new"));
	CHECK_SYS(rename("mnt/new", "mnt/file"));
	CHECK(!is_delayed("disk/upper/file"));
	mk_file("mnt/new", "upper");
	CHECK_SYS(rename("mnt/new", "mnt/free"));
	CHECK(is_delayed("disk/upper/free"));
	off_the_disk();
}

/*
 * A layer's server that does not answer before the upper's filesystem is frozen,
 * as one that writes to that filesystem would not.
 */
TEST(durable, slow_layers_do_not_keep_from_freezing)
{
	struct fuse_server *s = fuse_new();
	int disk;
	pid_t pid;

	strcpy(s->node[0].name, "file");
	s->node[0].mode = S_IFREG | 0644;
	strcpy(s->node[0].xattr, "user.x");
	s->node[0].vlen = 1;
	mk_dir("l1");
	fuse_mount(s, "l1", 0);
	on_a_disk(EXT4_DISK, NULL);
	/* looked at already */
	CHECK_EQ(stat_of("mnt/file").st_mode & 07777, 0644);
	s->hold = 1;
	pid = fork();
	if (!pid)
		_exit(chmod("mnt/file", 0600) ? 1 : 0);
	while (!s->holding)
		usleep(1000);
	disk = CHECK_SYS(open("disk", O_RDONLY | O_DIRECTORY));
	/* were the upper held, this would wait for who waits for this */
	CHECK_SYS(ioctl(disk, FIFREEZE, 0));
	s->hold = 0;
	CHECK_SYS(ioctl(disk, FITHAW, 0));
	close(disk);
	reap(pid);
	CHECK_EQ(stat_of("mnt/file").st_mode & 07777, 0600);
	CHECK_STR(xattr_of("disk/upper/file", "user.x"), "");
	off_the_disk();
	fuse_kill(s);
	CHECK_SYS(umount("l1"));
}

/*
 * A power cut of a btrfs, of which all that it wrote until then is kept.
 *
 *	l1/d/f		"lower"
 *	disk/noise	outside of the container; its fsync writes btrfs's log
 *
 * The log has what was fsynced in this transaction, and of what is done to that
 * later some parts.  Each of these calls changes a name that l1 has, too: with only
 * a part of it, l1's file would be back, though there was a sync since it was shown.
 */
#define BTRFS_DISK "truncate -s 256M img && mkfs.btrfs -q -m single", "commit=600"

static void sync_one(const char *path)
{
	int fd = CHECK_SYS(open(path, O_RDONLY));

	CHECK_SYS(fsync(fd));
	close(fd);
}

static void before_the_cut(void)
{
	SKIP_ON_OVERLAY("loses the whiteout");
	mk_dirs("l1/d");
	mk_file("l1/d/f", "lower");
	on_a_disk(BTRFS_DISK, NULL);
	mk_file("disk/noise", "");
	/* neither directory is new in the transaction, and none waits for a sync of all */
	CHECK_SYS(chmod("mnt/d", 0700));
	sync_one("mnt/d");
	append_file("mnt/d/f", "!");
	sync_one("mnt/d/f");
}

static void cut_the_power(void)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "disk/upper" },
				  { "workdir", "disk/work" }, {} };

	append_file("disk/noise", "x");
	sync_one("disk/noise");
	CHECK_EQ(system("cp --sparse=always img cut"), 0);
	off_the_disk();
	CHECK_EQ(loop_system("mv cut img && losetup -f --show img >source && "
			     "mount $(cat source) disk && losetup -d $(cat source)"), 0);
	/* the log was replayed */
	CHECK_STR(cat("disk/noise"), "x");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
}

TEST(durable, renamed_is_at_one_of_its_names_after_a_cut)
{
	before_the_cut();
	mk_file("mnt/d/other", "");
	sync_one("mnt/d");
	CHECK_SYS(rename("mnt/d/f", "mnt/new"));
	cut_the_power();
	CHECK_STR(cat(exists("mnt/new") ? "mnt/new" : "mnt/d/f"), "lower!");
	CHECK_EQ(exists("mnt/new") + exists("mnt/d/f"), 1);
	off_the_disk();
}

TEST(durable, copied_and_renamed_is_at_one_of_its_names_after_a_cut)
{
	mk_dirs("l1/d");
	mk_file("l1/d/g", "lower");
	before_the_cut();
	CHECK_SYS(rename("mnt/d/g", "mnt/new"));
	cut_the_power();
	CHECK_EQ(exists("mnt/new") + exists("mnt/d/g"), 1);
	off_the_disk();
}

/* fsync, and then a name, which is synced, too */
TEST(durable, linked_has_its_data_after_a_cut)
{
	int fd;

	before_the_cut();
	fd = CHECK_SYS(open("mnt/d", O_TMPFILE | O_RDWR, 0600));
	CHECK_EQ(write(fd, "upper", 5), 5);
	CHECK_SYS(fsync(fd));
	CHECK_SYS(linkat(fd, "", AT_FDCWD, "mnt/d/linked", AT_EMPTY_PATH));
	close(fd);
	sync_one("mnt/d");
	cut_the_power();
	CHECK_STR(cat("mnt/d/linked"), "upper");
	off_the_disk();
}

TEST(durable, removed_is_not_the_layers_after_a_cut)
{
	before_the_cut();
	CHECK_SYS(unlink("mnt/d/f"));
	cut_the_power();
	if (exists("mnt/d/f"))
		CHECK_STR(cat("mnt/d/f"), "lower!");
	off_the_disk();
}

TEST(durable, made_anew_is_not_the_layers_after_a_cut)
{
	before_the_cut();
	CHECK_SYS(unlink("mnt/d/f"));
	sync_one("mnt/d");
	mk_file("mnt/d/f", "");
	cut_the_power();
	if (exists("mnt/d/f"))
		CHECK_STR(cat("mnt/d/f"), "");
	off_the_disk();
}

TEST(durable, renamed_over_is_not_the_layers_after_a_cut)
{
	before_the_cut();
	mk_file("mnt/d/new", "");
	CHECK_SYS(rename("mnt/d/new", "mnt/d/f"));
	cut_the_power();
	CHECK(!exists("mnt/d/f") || !strcmp(cat("mnt/d/f"), "") ||
	      !strcmp(cat("mnt/d/f"), "lower!"));
	off_the_disk();
}

TEST(durable, renamed_over_a_whiteout_is_not_the_layers_after_a_cut)
{
	before_the_cut();
	CHECK_SYS(unlink("mnt/d/f"));
	sync_one("mnt/d");
	mk_file("mnt/new", "");
	CHECK_SYS(rename("mnt/new", "mnt/d/f"));
	cut_the_power();
	if (exists("mnt/d/f"))
		CHECK_STR(cat("mnt/d/f"), "");
	off_the_disk();
}

TEST(durable, exchanged_is_not_the_layers_after_a_cut)
{
	before_the_cut();
	mk_file("mnt/new", "");
	CHECK_SYS(renameat2(AT_FDCWD, "mnt/d/f", AT_FDCWD, "mnt/new", RENAME_EXCHANGE));
	cut_the_power();
	CHECK(!exists("mnt/d/f") || !strcmp(cat("mnt/d/f"), "") ||
	      !strcmp(cat("mnt/d/f"), "lower!"));
	off_the_disk();
}

TEST(durable, a_removed_directory_is_not_full_after_a_cut)
{
	before_the_cut();
	CHECK_SYS(unlink("mnt/d/f"));
	sync_one("mnt/d");
	CHECK_SYS(rmdir("mnt/d"));
	cut_the_power();
	CHECK(!exists("mnt/d/f"));
	off_the_disk();
}

/* What is mapped is logged without an fsync. */
TEST(durable, msynced_and_removed_is_not_the_layers_after_a_cut)
{
	char *p;
	int fd;

	mk_dirs("l1/d");
	mk_file("l1/d/g", "lower");
	before_the_cut();
	/* the last that is known to need care: from here on nothing else has been logged */
	CHECK_SYS(unlink("mnt/d/f"));
	mk_file("mnt/new", "upper");
	CHECK_SYS(rename("mnt/new", "mnt/d/g"));
	fd = CHECK_SYS(open("mnt/d/g", O_RDWR));
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED);
	p[0] = 'U';
	CHECK_SYS(msync(p, 4096, MS_SYNC));
	munmap(p, 4096);
	close(fd);
	CHECK_SYS(unlink("mnt/d/g"));
	cut_the_power();
	if (exists("mnt/d/g"))
		CHECK_STR(cat("mnt/d/g"), "Upper");
	off_the_disk();
}

/* What the server calls a file without links has a name all the same. */
TEST(durable, a_layers_file_without_links)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "upper" },
				  { "workdir", "work" }, {} };
	struct fuse_server *s = fuse_new();
	int fd;

	strcpy(s->node[0].name, "file");
	s->node[0].mode = S_IFREG | 0644;
	s->node[0].size = 5;
	strcpy(s->node[0].data, "lower");
	s->no_links = 1;
	fx_dirs(1);
	fuse_mount(s, "l1", 0);
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	fd = CHECK_SYS(open("mnt/file", O_RDWR));
	CHECK_EQ(write(fd, "upper", 5), 5);
	CHECK_SYS(fsync(fd));
	close(fd);
	CHECK_STR(cat("upper/file"), "upper");
	drop_caches(false);
	CHECK_STR(cat("mnt/file"), "upper");
	CHECK_SYS(unlink("mnt/file"));
	CHECK(!exists("mnt/file"));
	CHECK_SYS(umount("mnt"));
	fuse_kill(s);
	CHECK_SYS(umount("l1"));
}

static volatile sig_atomic_t alarms;

static void on_alarm(int sig)
{
	(void)sig;
	alarms++;
}

/*
 * A timer that is faster than the copy: nothing fails, and all gets done.
 *
 *	l1/a ... l1/d	8 MiB each, on the upper's filesystem
 */
static void copied_up_under_signals(int flags)
{
	struct sigaction sa = { .sa_handler = on_alarm, .sa_flags = flags };
	struct itimerval fast = { { 0, 5000 }, { 0, 5000 } }, none = {};
	int fd;
	char *p;

	fx_dirs(1);
	for (const char *name = "abcd"; *name; name++) {
		char path[] = { 'l', '1', '/', *name, '\0' };

		mk_pattern(path, 8 * MIB, *name);
	}
	fx_mount(1);
	alarms = 0;
	CHECK_SYS(sigaction(SIGALRM, &sa, NULL));
	CHECK_SYS(setitimer(ITIMER_REAL, &fast, NULL));
	CHECK_SYS(chmod("mnt/a", 0600));
	CHECK_SYS(rename("mnt/b", "mnt/B"));
	fd = CHECK_SYS(open("mnt/c", O_RDWR));
	CHECK_EQ(pwrite(fd, "C", 1, 0), 1);
	close(fd);
	fd = CHECK_SYS(open("mnt/d", O_RDWR));
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		FAIL("mmap: errno %d", errno);
	p[0] = 'D';
	close(fd);
	CHECK_SYS(setitimer(ITIMER_REAL, &none, NULL));
	CHECK(alarms > 0);
	munmap(p, 4096);
	CHECK_EQ(stat_of("upper/a").st_size, 8 * MIB);
	CHECK_EQ(stat_of("upper/B").st_size, 8 * MIB);
	CHECK_EQ(system("cmp l1/b mnt/B"), 0);
	CHECK_EQ(system("test $(cmp -l l1/c mnt/c | wc -l) = 1 && test $(cmp -l l1/d mnt/d | wc -l) = 1"), 0);
}

TEST(durable, signals_do_not_end_a_copy_up)
{
	SKIP_ON_OVERLAY("any signal ends it");
	copied_up_under_signals(0);
}

TEST(durable, signals_do_not_start_it_anew)
{
	copied_up_under_signals(SA_RESTART);
}

/* pwritev2() with RWF_NOAPPEND writes where it is told to, O_APPEND or not. */
TEST(durable, noappend_does_not_append)
{
	struct iovec v = { "U", 1 };
	int fd;

	fx_dirs(1);
	mk_file("l1/file", "lower");
	fx_mount(1);
	fd = CHECK_SYS(open("mnt/file", O_RDWR | O_APPEND));
	if (pwritev2(fd, &v, 1, 0, 0x20 /* RWF_NOAPPEND */) < 0)
		test_skip("RWF_NOAPPEND: %s", strerror(errno));
	CHECK_STR(cat("mnt/file"), "Uower");
	CHECK_EQ(pwrite(fd, "!", 1, 0), 1);
	CHECK_STR(cat("mnt/file"), "Uower!");
	CHECK_SYS(fcntl(fd, F_SETFL, 0));
	CHECK_EQ(pwrite(fd, "L", 1, 0), 1);
	CHECK_STR(cat("mnt/file"), "Lower!");
	close(fd);
}

/* A promise that is not kept is not made. */
TEST(durable, sync_is_refused)
{
	fx_dirs(1);
	SKIP_ON_OVERLAY("takes it");
	CHECK_ERR(mount("none", "mnt", "layerfs", MS_SYNCHRONOUS,
			"lowerdir=l1,upperdir=upper,workdir=work"), EINVAL);
	CHECK_ERR(mount("none", "mnt", "layerfs", MS_DIRSYNC,
			"lowerdir=l1,upperdir=upper,workdir=work"), EINVAL);
	fx_mount(1);
	CHECK_ERR(mount("none", "mnt", NULL, MS_REMOUNT | MS_SYNCHRONOUS, NULL), EINVAL);
}

/* Two mounts, one directory: its files are not removed as if they were leftovers. */
TEST(durable, a_layer_is_no_workdir)
{
	struct mnt_opt opts[] = { { "lowerdir", "l2" }, { "upperdir", "up2" },
				  { "workdir", "l1" }, {} };

	SKIP_ON_OVERLAY("only warns with index=off");
	fx_dirs(1);
	mk_dirs("l1/work/deep");
	mk_file("l1/work/x", "x");
	mk_dir("l2");
	mk_dir("up2");
	mk_dir("mnt2");
	fx_mount(1);
	CHECK_EQ(fs_mount(opts, "mnt2"), -EBUSY);
	CHECK(strstr(mount_log, "workdir 'l1' is a layer"));
	CHECK_STR(cat("mnt/work/x"), "x");
}

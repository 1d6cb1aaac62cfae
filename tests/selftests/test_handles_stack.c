// SPDX-License-Identifier: GPL-2.0-only
/*
 * File handles through more than one filesystem, and who else asks for them.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"
#include "handle.h"

#define NR(a) ((int)(sizeof(a) / sizeof(*(a))))

static void same_at(const char *mnt, const struct fh *fh, const char *path)
{
	struct stat st;
	int fd = fh_open_at(mnt, fh, O_PATH);

	if (fd < 0)
		FAIL("%s by its handle: %s", path, strerror(errno));
	CHECK_SYS(fstat(fd, &st));
	CHECK_EQ(st.st_ino, stat_of(path).st_ino);
	close(fd);
}

/*
 *	l1/low, l1/d/in		the layer's
 *	mnt/new, mnt/d/new	the upper's: mnt is the layer of outer
 */
TEST(handles, layer_is_layerfs)
{
	static const char * const paths[] = {
		"outer/low", "outer/d", "outer/d/in", "outer/new", "outer/d/new", "outer/own",
	};
	struct mnt_opt opts[] = {
		{ "lowerdir", "mnt" }, { "upperdir", "ou" }, { "workdir", "ow" }, {}
	};
	struct fh fh[NR(paths)];

	SKIP_ON_OVERLAY("handles need nfs_export=on");
	fx_dirs(1);
	mk_file("l1/low", "");
	mk_dir("l1/d");
	mk_file("l1/d/in", "");
	fx_mount(1);
	mk_file("mnt/new", "");
	mk_file("mnt/d/new", "");
	mk_dirs("outer");
	mk_dirs("ou");
	mk_dirs("ow");
	CHECK_EQ(fs_mount(opts, "outer"), 0);
	mk_file("outer/own", "");
	for (int i = 0; i < NR(paths); i++)
		fh[i] = fh_of(paths[i]);
	for (int i = 0; i < NR(paths); i++) {
		drop_caches(true);
		same_at("outer", &fh[i], paths[i]);
	}
	for (int i = 0; i < NR(paths); i++)
		CHECK_SYS(chmod(paths[i], 0700));
	CHECK_SYS(umount("outer"));
	CHECK_EQ(fs_mount(opts, "outer"), 0);
	for (int i = 0; i < NR(paths); i++)
		same_at("outer", &fh[i], paths[i]);
	CHECK_SYS(umount("outer"));
}

/* overlayfs on top, which keeps handles of its layers on disk. */
TEST(handles, overlayfs_above)
{
	struct fh low, new;

	SKIP_ON_OVERLAY("about layerfs below overlayfs");
	if (system("grep -q overlay /proc/filesystems || modprobe overlay 2>/dev/null"))
		test_skip("the kernel has no overlayfs");
	fx_dirs(1);
	mk_file("l1/low", "low");
	fx_mount(1);
	mk_file("mnt/new", "new");
	mk_dirs("over");
	mk_dirs("ou");
	mk_dirs("ow");
	CHECK_SYS(mount("none", "over", "overlay", 0,
			"lowerdir=mnt,upperdir=ou,workdir=ow,index=on,nfs_export=on"));
	low = fh_of("over/low");
	new = fh_of("over/new");
	append_file("over/low", "+");
	append_file("over/new", "+");
	CHECK_SYS(umount("over"));
	drop_caches(true);
	CHECK_SYS(mount("none", "over", "overlay", 0,
			"lowerdir=mnt,upperdir=ou,workdir=ow,index=on,nfs_export=on"));
	same_at("over", &low, "over/low");
	same_at("over", &new, "over/new");
	CHECK_SYS(umount("over"));
}

/* A layer whose filesystem gives no handles: the mount gives none. */
TEST(handles, layer_without_handles)
{
	struct fh fh = { .h.handle_bytes = MAX_HANDLE_SZ };
	int id;

	SKIP_ON_OVERLAY("about layerfs's own checks");
	fx_dirs(1);
	if (system("modprobe overlay 2>/dev/null; mkdir a b && "
		   "mount -t overlay -o lowerdir=a:b none l1 2>/dev/null"))
		test_skip("the kernel has no overlayfs");
	fx_mount(1);
	CHECK_ERR(name_to_handle_at(AT_FDCWD, "mnt", &fh.h, &id, 0), EOPNOTSUPP);
	mk_file("mnt/new", "");
	CHECK_SYS(rename("mnt/new", "mnt/newer"));
}

/* fanotify names what it reports by handles: the same over a copy-up. */
TEST(handles, fanotify)
{
	struct fanotify_event_info_fid *info;
	struct fanotify_event_metadata *event;
	_Alignas(8) char buf[4096];
	struct file_handle *got;
	struct fh low;
	int fd;

	SKIP_ON_OVERLAY("handles need nfs_export=on");
	fx_dirs(1);
	mk_file("l1/low", "low");
	fx_mount(1);
	fd = CHECK_SYS(fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, 0));
	CHECK_SYS(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_MODIFY, AT_FDCWD,
				"mnt"));
	low = fh_of("mnt/low");
	append_file("mnt/low", "+");
	CHECK(read(fd, buf, sizeof(buf)) > 0);
	event = (void *)buf;
	info = (void *)(event + 1);
	CHECK_EQ(info->hdr.info_type, FAN_EVENT_INFO_TYPE_FID);
	got = (void *)info->handle;
	CHECK_EQ(got->handle_bytes, low.h.handle_bytes);
	CHECK_EQ(got->handle_type, low.h.handle_type);
	CHECK(!memcmp(got->f_handle, low.bytes, low.h.handle_bytes));
	close(fd);
}

static void rename_to_and_fro(void *arg)
{
	(void)arg;
	for (int i = 0; i < 100; i++) {
		CHECK_SYS(rename("mnt/a/x", "mnt/b/y"));
		CHECK_SYS(rename("mnt/a/low", "mnt/b/lower"));
		CHECK_SYS(rename("mnt/b/y", "mnt/a/x"));
		CHECK_SYS(rename("mnt/b/lower", "mnt/a/low"));
	}
}

static void drop_all_the_time(void *arg)
{
	(void)arg;
	for (;;)
		drop_caches(false);
}

/* What is renamed meanwhile is there all the time. */
TEST(handles, while_renamed)
{
	static const char * const paths[] = {
		"mnt/a/x", "mnt/a/x/sub", "mnt/a/x/sub/f", "mnt/a/low", "mnt/a/low/sub",
		"mnt/a/low/sub/f", "mnt/a/low/sub/made",
	};
	struct fh fh[NR(paths)];
	pid_t renamer, dropper;
	int fd, status;

	SKIP_ON_OVERLAY("handles need nfs_export=on");
	fx_dirs(1);
	mk_dirs("l1/a/low/sub");
	mk_file("l1/a/low/sub/f", "");
	mk_dirs("l1/b");
	fx_mount(1);
	mk_dirs("mnt/a/x/sub");
	mk_file("mnt/a/x/sub/f", "");
	mk_file("mnt/a/low/sub/made", "");
	for (int i = 0; i < NR(paths); i++)
		fh[i] = fh_of(paths[i]);
	renamer = spawn(rename_to_and_fro, NULL);
	dropper = spawn(drop_all_the_time, NULL);
	for (int i = 0; waitpid(renamer, &status, WNOHANG) == 0; i++) {
		fd = fh_open(&fh[i % NR(paths)], O_PATH);
		if (fd < 0)
			FAIL("%s: %s", paths[i % NR(paths)], strerror(errno));
		close(fd);
	}
	CHECK_EQ(status, 0);
	CHECK_SYS(kill(dropper, SIGKILL));
	CHECK_SYS(waitpid(dropper, NULL, 0));
}

/* Images of a filesystem without uuid and generations: their files have the same handles. */
TEST(handles, images_without_a_name)
{
	struct mnt_opt one[] = { { "lowerdir", "s1" }, {} };
	struct mnt_opt two[] = { { "lowerdir", "s2" }, {} };
	struct mnt_opt both[] = { { "lowerdir", "s2:s1" }, {} };
	struct fh first, second;

	SKIP_ON_OVERLAY("handles need nfs_export=on");
	fx_dirs(1);
	mk_dirs("t1");
	mk_dirs("t2");
	mk_dirs("s1");
	mk_dirs("s2");
	mk_dirs("other");
	mk_dirs("both");
	mk_file("t1/f", "first");
	mk_file("t2/f", "second");
	mk_mtime("t1", 1000, 0);
	mk_mtime("t2", 2000, 0);
	if (loop_system("{ test -e /dev/loop-control || modprobe loop; mksquashfs t1 1.img && "
			"mksquashfs t2 2.img; } >/dev/null 2>&1 && "
			"mount -o loop,ro 1.img s1 && mount -o loop,ro 2.img s2"))
		test_skip("no squashfs");
	CHECK_EQ(fs_mount(one, "mnt"), 0);
	CHECK_EQ(fs_mount(two, "other"), 0);
	CHECK_EQ(fs_mount(both, "both"), 0);
	first = fh_of("mnt/f");
	second = fh_of("other/f");
	drop_caches(true);
	same_at("mnt", &first, "mnt/f");
	same_at("other", &second, "other/f");
	CHECK_ERR(fh_open_at("mnt", &second, O_PATH), ESTALE);
	CHECK_ERR(fh_open_at("other", &first, O_PATH), ESTALE);
	second = fh_of("both/f");
	CHECK_ERR(fh_open_at("mnt", &second, O_PATH), ESTALE);
	drop_caches(true);
	same_at("both", &second, "both/f");
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("both"));
	CHECK_SYS(umount("other"));
}

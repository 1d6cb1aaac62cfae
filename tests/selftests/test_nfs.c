// SPDX-License-Identifier: GPL-2.0-only
/*
 * A container exported by the kernel's NFS server and mounted by its client, version 4,
 * over the loopback interface.  What mountd would tell the server the test tells it.
 *
 *	l1/f, l1/d/g	files of the layer
 *	mnt/		the container: the export
 *	client/		the client's mount of it
 *	state/		where the server notes its clients
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"

#define PROC_NFSD	"/proc/fs/nfsd/"
#define PROC_RPC	"/proc/net/rpc/"

/* NFSEXP_INSECURE_PORT | NFSEXP_NOSUBTREECHECK | NFSEXP_FSID */
#define EXPORT_FLAGS	0x2402

static void tell(const char *file, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void tell(const char *file, const char *fmt, ...)
{
	char line[4600];
	va_list ap;
	int fd, len;

	va_start(ap, fmt);
	len = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	fd = open(file, O_WRONLY);
	if (fd < 0 || write(fd, line, len) != len)
		FAIL("'%s' to %s: %s", line, file, strerror(errno));
	close(fd);
}

static void server_start(void)
{
	char *path = realpath("mnt", NULL);

	tell(PROC_RPC "auth.unix.ip/channel", "nfsd 127.0.0.1 2147483647 lfs\n");
	tell(PROC_RPC "nfsd.export/channel", "lfs %s 2147483647 %d -2 -2 0\n", path, EXPORT_FLAGS);
	/* The root of all exports is file system 0. */
	tell(PROC_RPC "nfsd.fh/channel", "lfs 1 \\x00000000 2147483647 %s\n", path);
	free(path);
	tell(PROC_NFSD "versions", "-3 +4\n");
	tell(PROC_NFSD "portlist", "tcp 2049\n");
	tell(PROC_NFSD "threads", "2\n");
	tell(PROC_NFSD "v4_end_grace", "Y\n");
}

static void server_stop(void)
{
	static const char * const caches[] = { "nfsd.fh", "nfsd.export", "auth.unix.ip" };
	char path[64];

	tell(PROC_NFSD "threads", "0\n");
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), PROC_RPC "%s/flush", caches[i]);
		tell(path, "2147483647\n");
	}
}

static void base(void)
{
	char *state;

	SKIP_ON_OVERLAY("needs nfs_export=on");
	/* Built in, it needs no module; modprobe(8) knows no kernel that has none. */
	if (system("for fs in nfsd nfs4; do grep -qw $fs /proc/filesystems || "
		   "modprobe $fs 2>/dev/null || exit 1; done"))
		test_skip("the kernel has no NFS server, or no client");
	fx_dirs(1);
	mk_dirs("client");
	mk_dirs("state");
	mk_file("l1/f", "below");
	mk_dir("l1/d");
	mk_file("l1/d/g", "deep");
	fx_mount(1);
	CHECK_SYS(mount("nfsd", "/proc/fs/nfsd", "nfsd", 0, NULL));
	state = realpath("state", NULL);
	tell(PROC_NFSD "nfsv4recoverydir", "%s\n", state);
	free(state);
	server_start();
	CHECK_SYS(mount("127.0.0.1:/", "client", "nfs4", 0,
			"addr=127.0.0.1,clientaddr=127.0.0.1,vers=4.2,sec=sys,noac,lookupcache=none"));
}

static void end(void)
{
	CHECK_SYS(umount("client"));
	server_stop();
	CHECK_SYS(umount("/proc/fs/nfsd"));
}

TEST_WITH(nfs, work_through_it, .timeout = 300, .alone = true)
{
	base();
	CHECK_STR(ls("client"), "d f");
	CHECK_STR(cat("client/f"), "below");
	append_file("client/f", "+above");
	CHECK_STR(cat("mnt/f"), "below+above");
	CHECK_STR(cat("upper/f"), "below+above");
	mk_file("client/new", "new");
	mk_dir("client/dir");
	CHECK_SYS(rename("client/new", "client/dir/new"));
	CHECK_SYS(rename("client/d", "client/dir/d"));
	CHECK_SYS(symlink("x", "client/s"));
	CHECK_SYS(link("client/f", "client/dir/f"));
	CHECK_STR(ls("mnt/dir"), "d f new");
	drop_caches(true);
	CHECK_STR(cat("client/dir/d/g"), "deep");
	CHECK_STR(cat("client/dir/f"), "below+above");
	CHECK_EQ(stat_of("client/dir/f").st_nlink, 2);
	CHECK_SYS(chmod("client/dir/d/g", 0640));
	CHECK_EQ(stat_of("mnt/dir/d/g").st_mode & 07777, 0640);
	CHECK_SYS(unlink("client/dir/d/g"));
	CHECK_SYS(rmdir("client/dir/d"));
	CHECK_STR(ls("mnt/dir"), "f new");
	CHECK_EQ(system("rm -r client/*"), 0);
	CHECK_STR(ls("mnt"), "");
	end();
}

/* What the client holds is found again, whatever happens to it on the server. */
TEST_WITH(nfs, handles_last, .timeout = 300, .alone = true)
{
	struct stat st;
	int f, g, d, n;

	base();
	mk_file("client/new", "new");
	f = CHECK_SYS(open("client/f", O_PATH));
	d = CHECK_SYS(open("client/d", O_PATH));
	g = CHECK_SYS(open("client/d/g", O_PATH));
	n = CHECK_SYS(open("client/new", O_PATH));
	append_file("mnt/f", "+");
	drop_caches(true);
	CHECK_SYS(fstat(f, &st));
	CHECK_EQ(st.st_size, 6);
	CHECK_SYS(rename("mnt/d", "mnt/moved"));
	CHECK_SYS(rename("mnt/f", "mnt/moved/f"));
	CHECK_SYS(rename("mnt/new", "mnt/moved/new"));
	append_file("mnt/moved/f", "+");
	append_file("mnt/moved/new", "er");
	drop_caches(true);
	for (int i = 0; i < 2; i++) {
		CHECK_SYS(fstat(f, &st));
		CHECK_EQ(st.st_size, 7);
		CHECK_SYS(fstat(n, &st));
		CHECK_EQ(st.st_size, 5);
		CHECK_SYS(fstat(g, &st));
		CHECK_EQ(st.st_size, 4);
		CHECK_SYS(faccessat(d, "new", F_OK, 0));
		if (i)
			break;
		/* The server starts anew. */
		server_stop();
		fx_remount();
		server_start();
	}
	CHECK_SYS(unlink("mnt/moved/f"));
	CHECK_ERR(fstat(f, &st), ESTALE);
	close(f);
	close(d);
	close(g);
	close(n);
	end();
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A container exported by the kernel's NFS server and mounted by its client, version 4,
 * over the loopback interface.
 *
 *	l1/f, l1/d/g	files of the layer
 *	mnt/		the container: the export
 *	client/		the client's mount of it
 *	state/		where the server notes its clients
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "nfs_server.h"

static void base(void)
{
	SKIP_ON_OVERLAY("needs nfs_export=on");
	fx_dirs(1);
	mk_dirs("client");
	mk_dirs("state");
	nfs_server_prepare("state");
	mk_file("l1/f", "below");
	mk_dir("l1/d");
	mk_file("l1/d/g", "deep");
	fx_mount(1);
	nfs_server_start("mnt");
	nfs_mount("client", ",noac,lookupcache=none");
}

static void end(void)
{
	CHECK_SYS(umount("client"));
	nfs_server_end();
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
		nfs_server_stop();
		fx_remount();
		nfs_server_start("mnt");
	}
	CHECK_SYS(unlink("mnt/moved/f"));
	CHECK_ERR(fstat(f, &st), ESTALE);
	close(f);
	close(d);
	close(g);
	close(n);
	end();
}

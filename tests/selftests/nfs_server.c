// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "harness.h"
#include "nfs_server.h"

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

void nfs_server_start(const char *dir)
{
	char *path = realpath(dir, NULL);

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

void nfs_server_stop(void)
{
	static const char * const caches[] = { "nfsd.fh", "nfsd.export", "auth.unix.ip" };
	char path[64];

	tell(PROC_NFSD "threads", "0\n");
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), PROC_RPC "%s/flush", caches[i]);
		tell(path, "2147483647\n");
	}
}

void nfs_server_prepare(const char *state)
{
	char *path;

	/* Built in, it needs no module; modprobe(8) knows no kernel that has none. */
	if (system("for fs in nfsd nfs4; do grep -qw $fs /proc/filesystems || "
		   "modprobe $fs 2>/dev/null || exit 1; done"))
		test_skip("the kernel has no NFS server, or no client");
	CHECK_SYS(mount("nfsd", "/proc/fs/nfsd", "nfsd", 0, NULL));
	path = realpath(state, NULL);
	tell(PROC_NFSD "nfsv4recoverydir", "%s\n", path);
	free(path);
}

void nfs_server_end(void)
{
	nfs_server_stop();
	CHECK_SYS(umount("/proc/fs/nfsd"));
}

void nfs_mount(const char *where, const char *options)
{
	char data[256];

	snprintf(data, sizeof(data), "addr=127.0.0.1,clientaddr=127.0.0.1,vers=4.2,sec=sys%s",
		 options);
	CHECK_SYS(mount("127.0.0.1:/", where, "nfs4", 0, data));
}

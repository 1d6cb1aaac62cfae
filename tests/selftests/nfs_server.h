/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's NFS server, on the loopback interface: what mountd would tell it the
 * test tells it.
 */
#ifndef LFS_TEST_NFS_SERVER_H
#define LFS_TEST_NFS_SERVER_H

/* Skips the test if there is none; mounts nfsd's filesystem, notes clients in @state. */
void nfs_server_prepare(const char *state);
/* The directory is the root of all that is exported. */
void nfs_server_start(const char *dir);
void nfs_server_stop(void);
void nfs_server_end(void);
/* Mounts it, version 4.2. */
void nfs_mount(const char *where, const char *options);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A FUSE filesystem that says what it is told to say: one directory of objects
 * whose attributes the test may change at any time, by the raw protocol.
 */
#ifndef LFS_TEST_FUSE_H
#define LFS_TEST_FUSE_H

#include <stddef.h>
#include <sys/types.h>

#define FUSE_NODES	8

/**
 * struct fuse_node - one object in the root
 * @name: empty ends the list
 * @mode: type and permissions
 * @size: as the server says; what it has is @data
 * @data: content, or a link's target
 * @xattr: name of the one attribute, or empty
 * @value: its value
 * @vlen: its length
 */
struct fuse_node {
	char name[32];
	mode_t mode;
	uid_t uid, gid;
	unsigned long long size;
	char data[64];
	char xattr[64];
	unsigned char value[64];
	size_t vlen;
};

/**
 * struct fuse_server - shared by the test and the process that serves
 * @node: the objects
 * @endless: the directory has names without end
 * @listed: how many names have been given out
 * @unlisted: the directory is said to be empty
 * @lseek: SEEK_DATA leads to 0, SEEK_HOLE to this, unless it is 0
 * @acls: it keeps ACLs
 * @acl_uid: who asked for one last
 * @no_noatime: it has no right to O_NOATIME, and passes the flag on
 * @no_links: it says that its objects have no links
 * @hold: it keeps who asks for an attribute waiting until this is 0
 * @holding: it does
 * @pid: of the server
 */
struct fuse_server {
	struct fuse_node node[FUSE_NODES];
	volatile int endless;
	volatile unsigned long listed;
	int unlisted;
	int lseek;
	int acls;
	volatile uid_t acl_uid;
	int no_noatime;
	int no_links;
	volatile int hold;
	volatile int holding;
	pid_t pid;
};

/* In shared memory, empty. */
struct fuse_server *fuse_new(void);
/*
 * Mounts it at @where, nosuid and nodev, as fusermount(1) does for the user
 * @owner, whose process serves it.
 */
void fuse_mount(struct fuse_server *s, const char *where, uid_t owner);
/* The server dies; whoever waits for it gets an error. */
void fuse_kill(struct fuse_server *s);

#endif

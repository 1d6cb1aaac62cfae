/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of hostile layers and mounters have in common: attributes of
 * any bytes, mounts outside the fixture, user namespaces.
 */
#ifndef LFS_TEST_ATTACK_H
#define LFS_TEST_ATTACK_H

#include "fixture.h"

#define ATTACKER	1000
#define VICTIM		1001

/* The test goes on in a new tmpfs, which takes xattrs of any size. */
void use_tmpfs(void);
/* An attribute of any bytes. */
void put_xattr(const char *path, const char *name, const void *value, size_t len);

/*
 * Mounts l1 ... l@layers with upper and work on mnt, without the fixture's
 * bookkeeping; 0 or -errno.  @options may be NULL.
 */
int try_mount(int layers, const struct mnt_opt *options);
void must_mount(int layers, const struct mnt_opt *options);
/* 0, or the errno of lstat(). */
int stat_error(const char *path);
/* The names in @path, or the name of the errno in <>. */
const char *ls_or_error(const char *path);

/*
 * IN_USERNS(uid) { ... } runs the block as that user of the initial user
 * namespace, who is root in a user and a mount namespace of its own where
 * nobody else is mapped.
 */
int userns_begin(uid_t uid, const char *file, int line);
#define IN_USERNS(uid)							\
	for (int in_ = userns_begin(uid, __FILE__, __LINE__); in_; child_end())

/* Drops one capability from all sets of the caller. */
void drop_capability(int cap);

/* File capabilities as they are on disk: cap_setuid, permitted and effective. */
#define CAPS_V2_SIZE	20
#define CAPS_V3_SIZE	24
extern const unsigned char caps_v2[CAPS_V2_SIZE];
/* What @path has on disk: 0 none, 2 or 3 the version; *@rootid for 3. */
int caps_version(const char *path, uid_t *rootid);


/*
 * What a program that the attacker starts from @path (a copy of cat) gets: its
 * effective uid, and whether it has any capability.
 */
struct gained {
	uid_t euid;
	unsigned long long caps;
};

void mk_program(const char *path);
struct gained run_as_attacker(const char *path);

#endif

/* SPDX-License-Identifier: GPL-2.0-only */
/* Id-mapped mounts, and who is who there. */
#ifndef LFS_TEST_IDMAP_H
#define LFS_TEST_IDMAP_H

#include <sys/types.h>

#include "fixture.h"

/* Where the two maps that most tests use begin. */
#define FIRST	100000
#define OTHER	200000
/* Of the filesystem, and nobody through a map. */
#define BEYOND	(MAP_COUNT + 5)

/* So many ids of the filesystem are mapped; what is beyond is nobody. */
#define MAP_COUNT	10000

/*
 * A user namespace in which 0 ... MAP_COUNT - 1 are the ids from @first on, and an
 * id-mapped mount by it shows what the former own as the latter's.
 */
int map_from(uid_t first);
/* The same, of @count ids, as the caller's user namespace has them. */
int map_of(uid_t first, unsigned int count);

/* These from FIRST and from OTHER, once maps() was called, which skips on overlayfs. */
extern int map, other_map;
void maps(void);

/* A new mount of @from, id-mapped by @map, without a place; to be put with place(). */
int mapped_mount(const char *from, int map);
/* Puts a mount without a place at @at. */
void place(int mount, const char *at);
/* Both: @at shows @from, mapped. */
void map_onto(const char *from, int map, const char *at);

/* IN_MAP(map) { ... } runs the block as root of that user namespace. */
int map_begin(int map, const char *file, int line);
#define IN_MAP(map)							\
	for (int in_ = map_begin(map, __FILE__, __LINE__); in_; child_end())

/* An ACL of owner, group and others as in @mode, and one user more with these rights. */
void mk_acl(const char *path, const char *name, mode_t mode, uid_t uid, unsigned int perm);
/* The user named in it, or -1 if there is none. */
uid_t acl_user(const char *path, const char *name);

/* A file, and a directory, of this owner and mode. */
void mk_owned(const char *path, uid_t uid, mode_t mode);
void mk_owned_dir(const char *path, uid_t uid, mode_t mode);
/* Mounts at @at, which is made; without an upper if that is NULL. */
void must_mount_at(const char *lower, const char *upper, const char *work, const char *at);

#define ACL_ACCESS	"system.posix_acl_access"
#define ACL_DEFAULT	"system.posix_acl_default"

#endif

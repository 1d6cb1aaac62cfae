// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles that nobody gave out: from whoever may use open_by_handle_at(2) on the mount,
 * or sends them to an NFS server that exports it.  They lead to what the mount shows, or
 * nowhere.
 *
 *	secret		a file beside layers and upper, on their filesystem
 *	l1/
 *	|-- covered	a file over that of l2
 *	|-- gone	a whiteout
 *	`-- shut/	opaque
 *	l2/
 *	|-- covered
 *	|-- gone
 *	|-- shut/in	a file
 *	`-- low		a file
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fixture.h"
#include "handle.h"
#include "userns.h"

/* As in kmod/container/handle.h. */
#define HEAD		12
#define KIND		1
#define TYPE		2
#define LEN		3
#define KIND_UPPER	1
#define KIND_LAYER	2

static const char * const hidden[] = {
	"secret", ".", "..", "l1", "upper", "work", "work/work", "l1/gone", "l2/covered",
	"l2/gone", "l2/shut", "l2/shut/in",
};

static void layers(void)
{
	SKIP_ON_OVERLAY("handles need nfs_export=on");
	fx_dirs(2);
	mk_file("secret", "secret");
	mk_file("l1/covered", "above");
	mk_file("l2/covered", "below");
	mk_whiteout("l1/gone");
	mk_file("l2/gone", "gone");
	mk_dir("l1/shut");
	mk_opaque("l1/shut");
	mk_dir("l2/shut");
	mk_file("l2/shut/in", "in");
	mk_file("l2/low", "low");
	fx_mount(2);
	mk_file("mnt/new", "new");
}

/* A handle of the mount's, @like another, that has @real's in it. */
static struct fh forge(const struct fh *like, int kind, const struct fh *real)
{
	struct fh fh = *like;

	fh.bytes[KIND] = kind;
	fh.bytes[TYPE] = real->h.handle_type;
	fh.bytes[LEN] = real->h.handle_bytes / 4;
	memcpy(fh.bytes + HEAD, real->bytes, real->h.handle_bytes);
	fh.h.handle_bytes = HEAD + real->h.handle_bytes;
	return fh;
}

static struct stat found;
static bool shown;

static int is_found(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)path;
	(void)type;
	(void)ftw;
	shown |= st->st_dev == found.st_dev && st->st_ino == found.st_ino;
	return 0;
}

/* If it leads anywhere, then to what the mount shows. */
static bool leads_inside(const struct fh *fh)
{
	int fd = fh_open(fh, O_PATH);

	if (fd < 0) {
		if (errno != ESTALE && errno != EINVAL)
			FAIL("%s", strerror(errno));
		return false;
	}
	CHECK_SYS(fstat(fd, &found));
	close(fd);
	shown = false;
	nftw("mnt", is_found, 16, FTW_PHYS);
	if (!shown)
		FAIL("found what the mount does not show");
	return true;
}

/* The root of a layer and of the upper is that of the mount, and merged what merges. */
static bool may_show(const char *path)
{
	return !strcmp(path, "l1") || !strcmp(path, "upper");
}

TEST(handles, forged_for_what_is_hidden)
{
	static const int kinds[] = { 0, 1, 2, 3, 4, 0x7f, 0x80, 0x81, 0x82, 0x83, 0xff };
	struct fh low, new, real, fh;

	layers();
	low = fh_of("mnt/low");
	new = fh_of("mnt/new");
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
		real = fh_of(hidden[i]);
		for (int cold = 0; cold < 2; cold++) {
			for (size_t k = 0; k < 2 * sizeof(kinds) / sizeof(*kinds); k++) {
				fh = forge(k & 1 ? &new : &low, kinds[k / 2], &real);
				if (!may_show(hidden[i]))
					CHECK_STALE(&fh);
				else
					leads_inside(&fh);
			}
			drop_caches(true);
		}
	}
	CHECK_FH(&low, "mnt/low");
	CHECK_FH(&new, "mnt/new");
}

TEST(handles, forged_bit_by_bit)
{
	struct fh fh;

	layers();
	for (int k = 0; k < 2; k++) {
		struct fh good = fh_of(k ? "mnt/new" : "mnt/low");

		for (unsigned int bit = 0; bit < 8 * good.h.handle_bytes; bit++) {
			fh = good;
			fh.bytes[bit / 8] ^= 1 << bit % 8;
			leads_inside(&fh);
		}
		for (unsigned int n = 1; n < MAX_HANDLE_SZ; n++) {
			fh = good;
			fh.h.handle_bytes = n;
			if (n / 4 != good.h.handle_bytes / 4)
				CHECK(!leads_inside(&fh));
		}
		for (int type = 0; type < 256; type++) {
			fh = good;
			fh.h.handle_type = type;
			if (type != good.h.handle_type)
				CHECK(!leads_inside(&fh));
		}
	}
}

TEST(handles, random_bytes)
{
	struct fh fh, good;

	layers();
	good = fh_of("mnt/low");
	srandom(1);
	for (int i = 0; i < 5000; i++) {
		fh = good;
		fh.h.handle_bytes = random() % (MAX_HANDLE_SZ + 1);
		for (unsigned int n = i % 13; n < MAX_HANDLE_SZ; n++)
			fh.bytes[n] = random();
		fh.bytes[LEN] = i % 3 ? fh.h.handle_bytes / 4 - 3 : fh.bytes[LEN];
		leads_inside(&fh);
	}
}

/* Puts @text into the one entry that there is for what was moved; NULL: a plain file. */
static void set_entry(const char *text)
{
	char name[128];

	snprintf(name, sizeof(name), "work/handles/%s", ls("work/handles"));
	CHECK_SYS(unlink(name));
	if (text)
		CHECK_SYS(symlink(text, name));
	else
		mk_file(name, "a file");
}

static const char *hex(const struct fh *fh)
{
	static char text[2 * MAX_HANDLE_SZ + 1];

	for (unsigned int i = 0; i < fh->h.handle_bytes; i++)
		sprintf(text + 2 * i, "%02x", fh->bytes[i]);
	return text;
}

/* An entry for what was moved leads to the copy or nowhere, whatever it says. */
TEST(handles, forged_entries)
{
	char longest[600] = "";
	struct fh low, real, fh;

	layers();
	memset(longest, 'f', sizeof(longest) - 1);
	low = fh_of("mnt/low");
	CHECK_SYS(rename("mnt/low", "mnt/lower"));
	drop_caches(true);
	CHECK_FH(&low, "mnt/lower");
	real = fh_of("secret");
	fh = forge(&low, KIND_UPPER, &real);
	for (const char **t = (const char *[]){ hex(&fh), "..", longest, "zz000000", NULL, "" };
	     !*t || **t; t++) {
		set_entry(*t);
		fx_remount();
		drop_caches(true);
		CHECK_STALE(&low);
		CHECK_STR(cat("mnt/lower"), "low");
	}
}

/* In a user namespace, its root may open directories by handle, and only what shows. */
TEST(handles, in_a_user_namespace)
{
	struct mnt_opt opts[] = {
		{ "lowerdir", "l1" }, { "upperdir", "upper" }, { "workdir", "work" },
		{ "userxattr", NULL }, {}
	};
	static const char * const own[] = {
		".", "l1", "l1/d", "l1/d/f", "upper", "work", "mnt",
	};
	struct fh closed, d, new, f, fh;

	SKIP_ON_OVERLAY("handles need nfs_export=on");
	fx_dirs(1);
	mk_dirs("l1/d");
	mk_file("l1/d/f", "");
	mk_dirs("closed/in");
	CHECK_SYS(chmod("closed", 0700));
	closed = fh_of("closed/in");
	for (size_t i = 0; i < sizeof(own) / sizeof(*own); i++)
		CHECK_SYS(lchown(own[i], NS_ROOT, NS_ROOT));
	IN_CHILD {
		enter_userns();
		CHECK_EQ(fs_mount(opts, "mnt"), 0);
		mk_dirs("mnt/new");
		d = fh_of("mnt/d");
		f = fh_of("mnt/d/f");
		new = fh_of("mnt/new");
		CHECK_SYS(close(CHECK_SYS(fh_open(&d, O_RDONLY | O_DIRECTORY))));
		CHECK_SYS(close(CHECK_SYS(fh_open(&new, O_RDONLY | O_DIRECTORY))));
		CHECK_ERR(fh_open(&f, O_RDONLY), EPERM);
		CHECK_ERR(fh_open(&f, O_RDONLY | O_DIRECTORY), ESTALE);
		fh = forge(&d, KIND_LAYER, &closed);
		CHECK_ERR(fh_open(&fh, O_RDONLY | O_DIRECTORY), ESTALE);
		fh = forge(&new, KIND_UPPER, &closed);
		CHECK_ERR(fh_open(&fh, O_RDONLY | O_DIRECTORY), ESTALE);
		/* No key for others to read. */
		CHECK(!xattr_of("work", "user.overlay.layerfs.key"));
		CHECK_SYS(umount("mnt"));
		CHECK_EQ(fs_mount(opts, "mnt"), 0);
		CHECK_SYS(close(CHECK_SYS(fh_open(&d, O_RDONLY | O_DIRECTORY))));
		CHECK_SYS(close(CHECK_SYS(fh_open(&new, O_RDONLY | O_DIRECTORY))));
		CHECK_SYS(umount("mnt"));
	}
}

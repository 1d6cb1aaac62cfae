// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options: what is refused, with which words, and what is shown.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fixture.h"

#define NOT_OVERLAY	SKIP_ON_OVERLAY("has words of its own")

/**
 * struct refusal - a wrong mount
 * @opts: its options
 * @err: the errno wanted
 * @option: the message names this option
 * @reason: and has one of these words, separated by '|'
 */
struct refusal {
	struct mnt_opt opts[6];
	int err;
	const char *option;
	const char *reason;
};

#define UPPER	{ "upperdir", "upper" }
#define WORK	{ "workdir", "work" }

static const struct refusal refusals[] = {
	{ { {} }, EINVAL, "lowerdir", "missing" },
	{ { UPPER, WORK, {} }, EINVAL, "lowerdir", "missing" },
	{ { { "lowerdir", "" }, {} }, EINVAL, "lowerdir", "empty|Bad value" },
	{ { { "lowerdir", "l1:" }, UPPER, WORK, {} }, EINVAL, "lowerdir", "empty" },
	{ { { "lowerdir", ":l1" }, UPPER, WORK, {} }, EINVAL, "lowerdir", "empty" },
	{ { { "lowerdir", "l1:::l2" }, UPPER, WORK, {} }, EINVAL, "lowerdir",
	  "empty" },
	{ { { "lowerdir", "l1:none" }, UPPER, WORK, {} }, ENOENT, "lowerdir",
	  "none" },
	{ { { "lowerdir", "l1/file" }, UPPER, WORK, {} }, ENOTDIR, "lowerdir",
	  "l1/file" },
	{ { { "lowerdir", "l1:l2:l1" }, UPPER, WORK, {} }, EINVAL, "l1",
	  "same|twice" },
	{ { { "lowerdir", "l1" }, { "lowerdir", "l2" }, {} }, EINVAL, "lowerdir",
	  "twice" },
	{ { { "lowerdir", "l1" }, { "lowerdir+", "l2" }, {} }, EINVAL,
	  "lowerdir+", "lowerdir" },
	{ { { "lowerdir+", "l1" }, { "lowerdir", "l2" }, {} }, EINVAL,
	  "lowerdir", "lowerdir+" },
	{ { { "lowerdir+", "none" }, {} }, ENOENT, "lowerdir+", "none" },
	{ { { "lowerdir+", "" }, {} }, EINVAL, "lowerdir+", "empty|Bad value" },
	{ { { "lowerdir+", "l1:l2" }, {} }, ENOENT, "lowerdir+", "l1:l2" },
	{ { { "lowerdir", "l1" }, UPPER, {} }, EINVAL, "upperdir", "workdir" },
	{ { { "lowerdir", "l1" }, WORK, {} }, EINVAL, "workdir", "upperdir" },
	{ { { "lowerdir", "l1" }, { "upperdir", "none" }, WORK, {} }, ENOENT,
	  "upperdir", "none" },
	{ { { "lowerdir", "l1" }, { "upperdir", "l1/file" }, WORK, {} }, ENOTDIR,
	  "upperdir", "l1/file" },
	{ { { "lowerdir", "l1" }, UPPER, { "workdir", "none" }, {} }, ENOENT,
	  "workdir", "none" },
	{ { { "lowerdir", "l1" }, { "upperdir", "" }, WORK, {} }, EINVAL,
	  "upperdir", "empty|Bad value" },
	{ { { "lowerdir", "l1" }, UPPER, UPPER, WORK, {} }, EINVAL, "upperdir",
	  "twice" },
	{ { { "lowerdir", "l1" }, UPPER, { "workdir", "upper" }, {} }, EINVAL,
	  "workdir", "upperdir" },
	{ { { "lowerdir", "l1" }, UPPER, { "workdir", "upper/in" }, {} }, EINVAL,
	  "workdir", "upperdir" },
	{ { { "lowerdir", "l1" }, { "upperdir", "work/in" }, WORK, {} }, EINVAL,
	  "workdir", "upperdir" },
	{ { { "lowerdir", "l1" }, UPPER, { "workdir", "tmpfs" }, {} }, EINVAL,
	  "workdir", "upperdir" },
	{ { { "lowerdir", "l1" }, { "upperdir", "l1" }, WORK, {} }, ELOOP,
	  "upperdir", "l1" },
	{ { { "lowerdir", "l1" }, { "upperdir", "l1/dir" }, WORK, {} }, ELOOP,
	  "upperdir", "l1" },
	{ { { "lowerdir", "upper/in" }, UPPER, WORK, {} }, ELOOP, "upperdir",
	  "upper/in" },
	{ { { "lowerdir", "work" }, UPPER, WORK, {} }, ELOOP, "workdir", "work" },
	{ { { "lowerdir", "l1" }, { "volatile", NULL }, {} }, EINVAL, "volatile",
	  "upperdir" },
	{ { { "lowerdir", "l1" }, { "upperdir", "proc" }, { "workdir", "proc" },
	  {} }, EINVAL, "upperdir", "" },
	{ { { "lowerdir", "l1" }, { "nonsense", NULL }, {} }, EINVAL, "nonsense",
	  "" },
	{ { { "lowerdir", "l1" }, { "redirect_dir", "on" }, {} }, EINVAL,
	  "redirect_dir", "" },
	{ { { "lowerdir", "l1" }, { "volatile", "yes" }, {} }, EINVAL, "volatile",
	  "" },
	{ { { "lowerdir", NULL }, {} }, EINVAL, "lowerdir", "" },
};

static bool says(const char *words)
{
	char copy[64], *save, *word;

	if (!*words)
		return true;
	snprintf(copy, sizeof(copy), "%s", words);
	for (word = strtok_r(copy, "|", &save); word;
	     word = strtok_r(NULL, "|", &save))
		if (strstr(mount_log, word))
			return true;
	return false;
}

static void print_options(const struct mnt_opt *opts)
{
	char text[512] = "";

	for (; opts->key; opts++) {
		strcat(strcat(text, " "), opts->key);
		if (opts->value)
			strcat(strcat(text, "="), opts->value);
	}
	test_note("options:%s", text);
}

/* Each wrong mount is refused with its errno and a message that names it. */
TEST(options, refusals)
{
	int bad = 0;

	NOT_OVERLAY;
	fx_dirs(2);
	mk_file("l1/file", "");
	mk_dir("l1/dir");
	mk_dir("upper/in");
	mk_dir("work/in");
	mk_dir("tmpfs");
	mk_dir("proc");
	CHECK_SYS(mount("none", "tmpfs", "tmpfs", 0, NULL));
	CHECK_SYS(mount("none", "proc", "proc", 0, NULL));
	for (size_t i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		const struct refusal *r = &refusals[i];
		int rc = fs_mount(r->opts, "mnt");

		if (rc == -r->err && says(r->option) && says(r->reason))
			continue;
		bad++;
		print_options(r->opts);
		test_note("  got %s, want %s and \"%s\" with \"%s\", said: %s",
			  rc ? strerrorname_np(-rc) : "success",
			  strerrorname_np(r->err), r->option, r->reason,
			  mount_log);
		if (!rc)
			umount("mnt");
	}
	CHECK_EQ(bad, 0);
	CHECK_STR(ls("work"), "in");
	CHECK_STR(ls("upper"), "in");
}

/* One more than the deepest stack of filesystems.  A lowest layer is no level: nesting.* */
TEST(options, stacked_too_deep)
{
	struct mnt_opt one[] = { { "lowerdir", "l1" }, {} };
	struct mnt_opt two[] = { { "lowerdir", "m1:l2" }, {} };
	struct mnt_opt three[] = { { "lowerdir", "m2:l2" }, {} };

	NOT_OVERLAY;
	fx_dirs(2);
	mk_file("l1/f", "x");
	mk_dir("m1");
	mk_dir("m2");
	CHECK_EQ(fs_mount(one, "m1"), 0);
	CHECK_EQ(fs_mount(two, "m2"), 0);
	CHECK_STR(cat("m2/f"), "x");
	CHECK_EQ(fs_mount(three, "mnt"), -EINVAL);
	if (!strstr(mount_log, "'m2'") || !strstr(mount_log, "stacked"))
		FAIL("said: %s", mount_log);
	CHECK_SYS(umount("m2"));
	CHECK_SYS(umount("m1"));
}

/* The options of the mount as /proc/self/mountinfo shows them. */
static void shown(char *out, size_t size)
{
	char line[65536], *p;
	FILE *f = fopen("/proc/self/mountinfo", "r");

	out[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		p = strstr(line, " - ");
		if (!strstr(line, "/mnt ") || !p || !strstr(p, fs_type()))
			continue;
		line[strcspn(line, "\n")] = '\0';
		p = strrchr(line, ' ');
		snprintf(out, size, "%s", p + 1);
	}
	fclose(f);
}

/*
 * The options as shown, made into a string for mount(2): mountinfo's octal
 * escapes undone, as its readers do, and nothing else.
 */
static void unshow(const char *s, char *out)
{
	if (!strncmp(s, "rw,", 3))
		s += 3;
	for (; *s; s++) {
		if (*s == '\\' && s[1] >= '0' && s[1] <= '3') {
			*out++ = (s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0');
			s += 3;
		} else {
			*out++ = *s;
		}
	}
	*out = '\0';
}

/* What is shown mounts the same again. */
TEST(options, show_round_trip)
{
	struct mnt_opt opts[] = { { "lowerdir+", "a:b" }, { "lowerdir+", "c,d" },
				  { "lowerdir+", "e\\f g" }, { "upperdir", "u\\,p" },
				  { "workdir", "w k\\" }, {} };
	char first[1024], second[1024], again[1024];

	NOT_OVERLAY;
	fx_dirs(0);
	mk_dir("a:b");
	mk_file("a:b/1", "");
	mk_dir("c,d");
	mk_file("c,d/2", "");
	mk_dir("e\\f g");
	mk_file("e\\f g/3", "");
	mk_dir("u\\,p");
	mk_dir("w k\\");
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	CHECK_STR(ls("mnt"), "1 2 3");
	shown(first, sizeof(first));
	CHECK_SYS(umount("mnt"));
	unshow(first, again);
	test_note("shown: %s, mounted again with: %s", first, again);
	CHECK(strstr(first, "lowerdir="));
	CHECK_SYS(mount("none", "mnt", fs_type(), 0, again));
	CHECK_STR(ls("mnt"), "1 2 3");
	shown(second, sizeof(second));
	CHECK_STR(second, first);
	CHECK_SYS(umount("mnt"));
}

TEST(options, shown_in_mountinfo)
{
	char text[1024];

	NOT_OVERLAY;
	fx_mount(2);
	shown(text, sizeof(text));
	CHECK_STR(text, "rw,lowerdir=l1:l2,upperdir=upper,workdir=work");
	fx_umount();
	fx_mount_with(2, "volatile");
	shown(text, sizeof(text));
	CHECK_STR(text, "rw,lowerdir=l1:l2,upperdir=upper,workdir=work,volatile");
	fx_umount();
	fx_mount_ro(2);
	shown(text, sizeof(text));
	CHECK_STR(text, "ro,lowerdir=l1:l2");
}

/* "ro" of the superblock, by fsconfig. */
TEST(options, ro)
{
	fx_dirs(1);
	mk_file("l1/f", "x");
	fx_mount_with(1, "ro");
	CHECK_ERR(open("mnt/f", O_RDWR), EROFS);
	CHECK_ERR(mkdir("mnt/d", 0755), EROFS);
	CHECK_STR(cat("mnt/f"), "x");
	CHECK_STR(ls("upper"), "");
}

/* A message per mount, not the last one's. */
TEST(options, log_is_clean_on_success)
{
	fx_mount(1);
	if (!on_overlay())
		CHECK_STR(mount_log, "");
}

/* More layers than one fsconfig value holds, in the way of mount(8). */
TEST(options, long_list_by_mount2)
{
	char list[4000] = "lowerdir=", path[64];

	SKIP_ON_OVERLAY("the options to compare by are not given here");
	fx_dirs(64);
	for (int i = 1; i <= 64; i++) {
		snprintf(path, sizeof(path), "%sl%d", i > 1 ? ":" : "", i);
		strcat(list, path);
	}
	mk_file("l64/last", "x");
	strcat(list, ",upperdir=upper,workdir=work");
	CHECK_SYS(mount("none", "mnt", fs_type(), 0, list));
	CHECK_STR(cat("mnt/last"), "x");
	CHECK_SYS(umount("mnt"));
}

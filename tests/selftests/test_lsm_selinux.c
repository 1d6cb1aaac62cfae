// SPDX-License-Identifier: GPL-2.0-only
/*
 * SELinux, on a kernel that was booted with it (security=selinux) and given the policy of
 * selinux.cil:
 *
 *	./
 *	|-- l1/
 *	|   |-- f, g	open_t
 *	|   |-- secret	secret_t: guest_t may only look at its attributes
 *	|   `-- box/	box_t: what is made there is of a type that names its maker's
 *	|-- upper/, work/
 *	`-- mnt/
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fixture.h"

#define LABEL "security.selinux"

static void write_to(const char *path, const void *text, size_t len)
{
	int fd = CHECK_SYS(open(path, O_WRONLY | O_CLOEXEC));

	CHECK_EQ(write(fd, text, len), len);
	close(fd);
}

/* The policy is beside the program; who has it already is given it again. */
static void load_policy(void)
{
	char exe[256], path[300], *policy;
	int fd, len;

	mk_dir("sel");
	if (mount("none", "sel", "selinuxfs", 0, NULL))
		test_skip("no SELinux: it needs security=selinux");
	len = CHECK_SYS(readlink("/proc/self/exe", exe, sizeof(exe) - 1));
	exe[len] = '\0';
	*strrchr(exe, '/') = '\0';
	snprintf(path, sizeof(path), "%s/selinux.policy", exe);
	fd = CHECK_SYS(open(path, O_RDONLY | O_CLOEXEC));
	len = CHECK_SYS(lseek(fd, 0, SEEK_END));
	policy = malloc(len);
	CHECK(policy);
	CHECK_EQ(pread(fd, policy, len, 0), len);
	close(fd);
	write_to("sel/load", policy, len);
	free(policy);
	write_to("sel/enforce", "1", 1);
	CHECK_SYS(umount("sel"));
}

static void be(const char *type)
{
	char label[64];
	int len = snprintf(label, sizeof(label), "u:r:%s:s0", type);

	write_to("/proc/self/attr/current", label, len);
}

static void set_type(const char *path, const char *type)
{
	char label[64];
	int len = snprintf(label, sizeof(label), "u:object_r:%s:s0", type);

	CHECK_SYS(lsetxattr(path, LABEL, label, len + 1, 0));
}

static void check_type(const char *path, const char *type)
{
	char label[64], want[64], at[256];
	int len = lgetxattr(path, LABEL, label, sizeof(label) - 1);

	if (len < 0)
		FAIL("%s has no label: %s", path, strerror(errno));
	label[len] = '\0';
	snprintf(want, sizeof(want), "%s: u:object_r:%s:s0", path, type);
	snprintf(at, sizeof(at), "%s: %s", path, label);
	CHECK_STR(at, want);
}

static void labelled_layer(void)
{
	load_policy();
	fx_dirs(1);
	mk_file("l1/f", "f");
	mk_file("l1/g", "g");
	mk_file("l1/secret", "secret");
	mk_dir("l1/box");
	set_type("l1/f", "open_t");
	set_type("l1/g", "base_made_t");
	set_type("l1/secret", "secret_t");
	set_type("l1/box", "box_t");
}

static void check_new_types(const char *dir)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/box", dir);
	check_type(path, "box_t");
	snprintf(path, sizeof(path), "%s/box/by_guest", dir);
	check_type(path, "guest_made_t");
	snprintf(path, sizeof(path), "%s/box/by_base", dir);
	check_type(path, "base_made_t");
	snprintf(path, sizeof(path), "%s/box/dir_of_guest", dir);
	check_type(path, "guest_dir_t");
	snprintf(path, sizeof(path), "%s/f", dir);
	check_type(path, "open_t");
	snprintf(path, sizeof(path), "%s/g", dir);
	check_type(path, "secret_t");
	snprintf(path, sizeof(path), "%s/secret", dir);
	check_type(path, "secret_t");
}

/* Labels are those of the layers, of copies too; new objects have what their maker's say. */
TEST_WITH(lsm, selinux_labels, .timeout = 300, .alone = true)
{
	labelled_layer();
	mk_dir("l1/box/dir_of_guest");
	set_type("l1/box/dir_of_guest", "base_dir_t");
	fx_mount(1);
	check_type("mnt/f", "open_t");
	check_type("mnt/g", "base_made_t");
	check_type("mnt/secret", "secret_t");
	check_type("mnt/box", "box_t");
	append_file("mnt/f", "changed");
	append_file("mnt/secret", "changed");
	set_type("mnt/g", "secret_t");
	mk_file("mnt/box/by_base", "");
	/* One is made in the upper, one in the place of a whiteout. */
	CHECK_SYS(rmdir("mnt/box/dir_of_guest"));
	IN_CHILD {
		be("guest_t");
		mk_file("mnt/box/by_guest", "");
		mk_dir("mnt/box/dir_of_guest");
	}
	check_new_types("mnt");
	check_new_types("upper");
	fx_remount();
	check_new_types("mnt");
	check_type("l1/g", "base_made_t");
}

static void check_reads(const char *path, int err)
{
	int fd;

	if (err) {
		CHECK_ERR(open(path, O_RDONLY), err);
		return;
	}
	fd = CHECK_SYS(open(path, O_RDONLY));
	close(fd);
}

/* Who reads is asked about, and so is who mounted. */
TEST_WITH(lsm, selinux_asks_caller_and_mounter, .timeout = 300, .alone = true)
{
	struct mnt_opt opts[] = { { "lowerdir", "l0:l1" }, {} };

	labelled_layer();
	mk_dir("l0");
	fx_mount(1);
	check_reads("mnt/secret", 0);
	IN_CHILD {
		be("guest_t");
		check_reads("mnt/f", 0);
		check_reads("mnt/secret", EACCES);
		CHECK_ERR(truncate("mnt/secret", 0), EACCES);
		CHECK_ERR(unlink("mnt/secret"), EACCES);
		CHECK_ERR(rename("mnt/secret", "mnt/other"), EACCES);
		CHECK_ERR(lsetxattr("mnt/secret", LABEL, "u:object_r:open_t:s0", 21, 0), EACCES);
		CHECK_SYS(access("mnt/secret", F_OK));
	}
	CHECK_EQ(stat_of("upper").st_nlink, 2);
	append_file("mnt/secret", "copied");
	IN_CHILD {
		be("guest_t");
		check_reads("mnt/secret", EACCES);
		CHECK_ERR(unlink("mnt/secret"), EACCES);
	}
	mk_dir("poor");
	IN_CHILD {
		be("guest_t");
		CHECK_EQ(fs_mount(opts, "poor"), 0);
	}
	check_reads("poor/f", 0);
	check_reads("poor/secret", EACCES);
	CHECK_SYS(umount("poor"));
}

/* One label for all: it is what is asked about, and what copies get. */
TEST_WITH(lsm, selinux_context, .timeout = 300, .alone = true)
{
	struct mnt_opt opts[] = { { "lowerdir", "l1" }, { "upperdir", "upper" },
				  { "workdir", "work" },
				  { "context", "u:object_r:context_t:s0" }, {} };

	labelled_layer();
	CHECK_EQ(fs_mount(opts, "mnt"), 0);
	check_type("mnt", "context_t");
	check_type("mnt/secret", "context_t");
	check_type("mnt/box", "context_t");
	CHECK_ERR(lsetxattr("mnt/f", LABEL, "u:object_r:open_t:s0", 21, 0), EOPNOTSUPP);
	IN_CHILD {
		be("guest_t");
		check_reads("mnt/secret", 0);
		append_file("mnt/secret", "copied");
		mk_file("mnt/box/made", "");
	}
	check_type("mnt/secret", "context_t");
	check_type("upper/secret", "context_t");
	check_type("upper/box", "context_t");
	check_type("l1/secret", "secret_t");
	CHECK_SYS(umount("mnt"));
	CHECK_EQ(fs_mount((struct mnt_opt[]){ opts[0], opts[1], opts[2], {} }, "mnt"), 0);
	check_type("mnt/secret", "context_t");
	check_type("mnt/g", "base_made_t");
	CHECK_SYS(umount("mnt"));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A layer whose filesystem lies: a FUSE server that answers what it likes, and
 * something else the next time.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "attack.h"
#include "fuse.h"

/*
 *	l1/		empty
 *	l2/		the server
 */
static struct fuse_server *base(void)
{
	struct fuse_server *s = fuse_new();

	SKIP_ON_OVERLAY("has errors of its own");
	fx_dirs(2);
	return s;
}

static void start(struct fuse_server *s)
{
	fuse_mount(s, "l2", ATTACKER);
	must_mount(2, NULL);
}

static void end(struct fuse_server *s)
{
	CHECK_SYS(umount("mnt"));
	CHECK_STR(ls("work/work"), "");
	CHECK_SYS(umount("l2"));
	CHECK_EQ(waitpid(s->pid, NULL, 0), s->pid);
}

/* A link to nowhere at all, which no filesystem is asked to keep. */
TEST(hostile, fuse_empty_symlink)
{
	struct fuse_server *s = base();

	s->node[0] = (struct fuse_node){ .name = "empty", .mode = S_IFLNK | 0777 };
	s->node[1] = (struct fuse_node){ .name = "good", .mode = S_IFLNK | 0777,
					 .size = 1, .data = "x" };
	start(s);
	CHECK_ERR(lchown("mnt/empty", 1, 1), EIO);
	CHECK_ERR(rename("mnt/empty", "mnt/other"), EIO);
	CHECK_SYS(lchown("mnt/good", 1, 1));
	CHECK_SYS(unlink("mnt/empty"));
	CHECK_STR(ls("upper"), "empty good");
	end(s);
}

/*
 *	l2/f		says that it has 65 bytes, and has 5
 *	upper/f		overlayfs has left it without data, with capabilities
 *
 * The file that could not get its data has what it had.
 */
TEST(hostile, fuse_data_that_an_upper_file_waits_for)
{
	struct fuse_server *s = base();
	char caps[64];

	s->node[0] = (struct fuse_node){ .name = "f", .mode = S_IFREG | 0755,
					 .size = 65, .data = "12345" };
	mk_file("upper/f", "");
	CHECK_SYS(truncate("upper/f", 65));
	CHECK_SYS(chmod("upper/f", 02755));
	put_xattr("upper/f", "trusted.overlay.metacopy", "", 0);
	put_xattr("upper/f", "security.capability", caps_v2, CAPS_V2_SIZE);
	fuse_mount(s, "l2", ATTACKER);
	/* Else it would have no capabilities to lose. */
	CHECK_SYS(mount(NULL, "l2", NULL, MS_REMOUNT | MS_BIND, NULL));
	must_mount(2, NULL);
	for (int i = 0; i < 2; i++) {
		CHECK_ERR(chmod("mnt/f", 0700), EIO);
		CHECK_EQ(getxattr("mnt/f", "security.capability", caps, sizeof(caps)),
			 CAPS_V2_SIZE);
		CHECK(!memcmp(caps, caps_v2, CAPS_V2_SIZE));
		CHECK_EQ(stat_of("mnt/f").st_mode & 07777, 02755);
	}
	CHECK(xattr_of("upper/f", "trusted.overlay.metacopy"));
	end(s);
}

/* A size that is not that of the data: nothing half is left. */
TEST(hostile, fuse_sizes)
{
	struct fuse_server *s = base();
	static const unsigned long long sizes[] = { 65, 1 << 20, 1ull << 40, 0, 3 };
	char path[16];

	for (int i = 0; i < 5; i++) {
		s->node[i] = (struct fuse_node){ .mode = S_IFREG | 0644,
						 .size = sizes[i], .data = "12345" };
		sprintf(s->node[i].name, "f%d", i);
	}
	start(s);
	for (int i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "mnt/f%d", i);
		CHECK_ERR(chmod(path, 0600), EIO);
	}
	/* as much as it says there is */
	CHECK_SYS(chmod("mnt/f3", 0600));
	CHECK_SYS(chmod("mnt/f4", 0600));
	CHECK_STR(cat("upper/f3"), "");
	CHECK_STR(cat("upper/f4"), "123");
	CHECK_STR(ls("upper"), "f3 f4");
	end(s);
}

/* Another type at the second look. */
TEST(hostile, fuse_types_that_change)
{
	struct fuse_server *s = base();
	static const mode_t types[] = { S_IFDIR, S_IFLNK, S_IFCHR, S_IFIFO };
	char path[16];

	for (int i = 0; i < 4; i++) {
		s->node[i] = (struct fuse_node){ .mode = S_IFREG | 0644, .size = 2,
						 .data = "x\n" };
		sprintf(s->node[i].name, "f%d", i);
	}
	s->node[4] = (struct fuse_node){ .name = "dir", .mode = S_IFDIR | 0755 };
	start(s);
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "mnt/f%d", i);
		stat_of(path);
	}
	stat_of("mnt/dir");
	for (int i = 0; i < 4; i++)
		s->node[i].mode = types[i] | 0644;
	s->node[4].mode = S_IFREG | 0755;
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "mnt/f%d", i);
		CHECK_EQ(chmod(path, 0600), -1);
		CHECK_EQ(stat_error(path), EIO);
	}
	CHECK_EQ(mkdir("mnt/dir/d", 0755), -1);
	CHECK_STR(ls("upper"), "");
	end(s);
}

/* Capabilities that are none, an attribute without a value, a name of marks. */
TEST(hostile, fuse_attributes)
{
	struct fuse_server *s = base();
	static const char *const names[] = {
		"security.capability", "security.capability", "user.empty",
		"trusted.overlay.metacopy", "system.posix_acl_access", "nonsense",
		"trusted.overlay.redirect",
	};
	static const size_t lens[] = { 3, 20, 0, 0, 5, 4, 4 };
	char path[16], list[256];

	for (int i = 0; i < 7; i++) {
		s->node[i] = (struct fuse_node){ .mode = S_IFREG | 0755, .size = 2,
						 .data = "x\n", .vlen = lens[i],
						 .value = "/../" };
		sprintf(s->node[i].name, "f%d", i);
		strcpy(s->node[i].xattr, names[i]);
	}
	start(s);
	for (int i = 0; i < 7; i++) {
		snprintf(path, sizeof(path), "mnt/f%d", i);
		CHECK(listxattr(path, list, sizeof(list)) <= 40);
		/* the first one: each asks user space for another binary format */
		if (!i)
			CHECK(execl(path, path, NULL));
		if (!chmod(path, 0700))
			CHECK_STR(cat(path), "x\n");
		else
			CHECK(errno == EINVAL || errno == EOPNOTSUPP || errno == EIO);
		/* its data would be in a layer below, of which there is none */
		if (!strcmp(names[i], "trusted.overlay.metacopy"))
			CHECK_ERR(unlink(path), EIO);
		else
			CHECK_SYS(unlink(path));
	}
	CHECK_STR(ls("mnt"), "f3");
	end(s);
}

static void list(void *arg)
{
	DIR *dir = opendir("mnt");

	(void)arg;
	CHECK(dir);
	readdir(dir);
	_exit(1);
}

/* A directory without end: who reads it can be killed, and it is let go of. */
TEST(hostile, fuse_endless_directory)
{
	struct fuse_server *s = base();
	int status;
	pid_t pid;

	s->endless = 1;
	start(s);
	pid = spawn(list, NULL);
	while (s->listed < 5000)
		usleep(1000);
	CHECK_SYS(kill(pid, SIGKILL));
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	end(s);
}

/* The server goes while it is needed: errors, and everything comes off. */
TEST(hostile, fuse_server_dies)
{
	struct fuse_server *s = base();
	int fd;

	s->node[0] = (struct fuse_node){ .name = "f", .mode = S_IFREG | 0644, .size = 2,
					 .data = "x\n" };
	s->node[1] = (struct fuse_node){ .name = "d", .mode = S_IFDIR | 0755 };
	start(s);
	fd = CHECK_SYS(open("mnt/f", O_RDWR));
	stat_of("mnt/d");
	fuse_kill(s);
	CHECK_EQ(write(fd, "y", 1), -1);
	CHECK_EQ(mkdir("mnt/d/new", 0755), -1);
	CHECK_EQ(access("mnt/other", F_OK), -1);
	close(fd);
	/* what is in the upper alone needs no server, once it is found */
	CHECK_STR(ls("upper"), "");
	CHECK_SYS(umount("mnt"));
	CHECK_SYS(umount("l2"));
}

/* And is no place for an upper, whose names others could change. */
TEST(hostile, fuse_is_no_upper)
{
	struct fuse_server *s = base();

	s->node[0] = (struct fuse_node){ .name = "up", .mode = S_IFDIR | 0777 };
	s->node[1] = (struct fuse_node){ .name = "work", .mode = S_IFDIR | 0777 };
	fuse_mount(s, "l2", ATTACKER);
	CHECK_EQ(fs_mount((struct mnt_opt []){ { "lowerdir", "l1" },
					       { "upperdir", "l2/up" },
					       { "workdir", "l2/work" }, {} }, "mnt"),
		 -EINVAL);
	CHECK(strstr(mount_log, "others may change"));
	fuse_kill(s);
	CHECK_SYS(umount("l2"));
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a user learns about the mounts of others: nothing, by netlink and /proc.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attack.h"
#include "netlink.h"

/* Has no namespace: the attacker sees from outside, too, what is in his. */
#define NOBODY	4321

static const struct mnt_opt userxattr[] = { { "userxattr", NULL }, {} };
static struct nl_row rows[NL_MANY];
static int up[2], down[2];

/* A home for each: l1, upper, work, mnt in it. */
static void home(const char *name, uid_t uid)
{
	static const char *const names[] = { "l1", "upper", "work", "mnt" };

	mk_dir(name);
	CHECK_SYS(chdir(name));
	for (int i = 0; i < 4; i++) {
		mk_dir(names[i]);
		CHECK_SYS(chown(names[i], uid, uid));
	}
	CHECK_SYS(chdir(".."));
}

static void homes(void)
{
	SKIP_ON_OVERLAY("has no netlink family");
	home("root", 0);
	home("a", ATTACKER);
	home("v", VICTIM);
	CHECK_SYS(pipe(up));
	CHECK_SYS(pipe(down));
}

static void victim(void *arg)
{
	char c;

	(void)arg;
	CHECK_SYS(chdir("v"));
	IN_USERNS(VICTIM) {
		must_mount(1, userxattr);
		CHECK_EQ(write(up[1], "", 1), 1);
		CHECK_EQ(read(down[0], &c, 1), 1);
	}
}

static pid_t start_victim(void)
{
	pid_t pid = spawn(victim, NULL);
	char c;

	CHECK_EQ(read(up[0], &c, 1), 1);
	return pid;
}

static void end_victim(pid_t pid)
{
	CHECK_EQ(write(down[1], "", 1), 1);
	reap(pid);
}

static int rows_of(int cmd)
{
	return nl_dump(cmd, rows, NL_MANY);
}

/*
 * Root, the victim and the attacker have a mount each: the attacker sees the one
 * that is his own, and of layers, images and stacks what belongs to it.
 */
TEST(boundary, netlink_shows_ones_own)
{
	struct nl_row root;
	uint64_t image;
	pid_t pid;
	int n;

	homes();
	CHECK_SYS(chdir("root"));
	must_mount(1, NULL);
	root = nl_container("mnt");
	CHECK_SYS(chdir(".."));
	pid = start_victim();
	AS_USER(NOBODY)
		for (int cmd = LAYERFS_CMD_GET_LAYER; cmd <= LAYERFS_CMD_MAX; cmd++)
			CHECK_EQ(rows_of(cmd), 0);
	CHECK_SYS(chdir("a"));
	IN_USERNS(ATTACKER) {
		for (int cmd = LAYERFS_CMD_GET_LAYER; cmd <= LAYERFS_CMD_MAX; cmd++)
			CHECK_EQ(rows_of(cmd), 0);
		must_mount(1, userxattr);
		for (int cmd = LAYERFS_CMD_GET_LAYER; cmd <= LAYERFS_CMD_MAX; cmd++)
			CHECK_EQ(rows_of(cmd), 1);
		CHECK_EQ(rows_of(LAYERFS_CMD_GET_CONTAINER), 1);
		image = rows[0].num[LAYERFS_A_IMAGE_ID];
		CHECK(image != root.num[LAYERFS_A_IMAGE_ID]);
		CHECK_EQ(rows_of(LAYERFS_CMD_GET_IMAGE), 1);
		CHECK_EQ(rows[0].num[LAYERFS_A_IMAGE_ID], image);
		CHECK_EQ(rows_of(LAYERFS_CMD_GET_LAYER), 1);
		CHECK(strstr(rows[0].path, "/a/l1"));
		/* an image of another's, asked for by its number */
		struct nl_req req = { .cmd = LAYERFS_CMD_GET_STACK, .flags = NLM_F_DUMP,
				      .attr = LAYERFS_A_IMAGE_ID, .len = 8,
				      .value = root.num[LAYERFS_A_IMAGE_ID] };
		CHECK_EQ(nl_request(&req, rows, NL_MANY), 0);
		/* root of a namespace within sees less still */
		IN_CHILD {
			CHECK_SYS(unshare(CLONE_NEWUSER));
			for (int cmd = LAYERFS_CMD_GET_LAYER; cmd <= LAYERFS_CMD_MAX;
			     cmd++)
				CHECK_EQ(rows_of(cmd), 0);
		}
		/* and without the right over one's own namespace, nothing */
		drop_capability(21 /* SYS_ADMIN */);
		CHECK_EQ(rows_of(LAYERFS_CMD_GET_CONTAINER), 0);
	}
	CHECK_SYS(chdir(".."));
	n = rows_of(LAYERFS_CMD_GET_LAYER);
	for (int i = 0, seen = 0; i < n; i++) {
		seen += !!strstr(rows[i].path, "/v/l1");
		CHECK(i < n - 1 || seen);
	}
	end_victim(pid);
	CHECK_SYS(umount("root/mnt"));
}

/* Rows that come with a dump of layers on this socket. */
static int rows_on(int fd, int family)
{
	struct {
		struct nlmsghdr n;
		struct genlmsghdr g;
	} req = {
		.n = { .nlmsg_len = sizeof(req), .nlmsg_type = family,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP, .nlmsg_seq = 7 },
		.g = { .cmd = LAYERFS_CMD_GET_LAYER, .version = LAYERFS_GENL_VERSION },
	};
	static char buf[65536];
	struct nlmsghdr *n;
	int rows = 0, len;

	CHECK_EQ(send(fd, &req, sizeof(req), 0), sizeof(req));
	for (;;) {
		len = CHECK_SYS(recv(fd, buf, sizeof(buf), 0));
		for (n = (void *)buf; NLMSG_OK(n, len); n = NLMSG_NEXT(n, len)) {
			if (n->nlmsg_type == NLMSG_DONE)
				return rows;
			if (n->nlmsg_type == NLMSG_ERROR)
				FAIL("refused: %d", *(int *)NLMSG_DATA(n));
			rows++;
		}
	}
}

static int family_id(int fd)
{
	struct {
		struct nlmsghdr n;
		struct genlmsghdr g;
		struct nlattr a;
		char name[8];
	} req = {
		.n = { .nlmsg_len = sizeof(req), .nlmsg_type = GENL_ID_CTRL,
		       .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = 1 },
		.g = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 },
		.a = { NLA_HDRLEN + 8, CTRL_ATTR_FAMILY_NAME },
		.name = LAYERFS_GENL_NAME,
	};
	static char buf[8192];
	struct nlmsghdr *n = (void *)buf;
	struct nlattr *a;
	int len;

	CHECK_EQ(send(fd, &req, sizeof(req), 0), sizeof(req));
	CHECK(recv(fd, buf, sizeof(buf), 0) > 0);
	CHECK_EQ(n->nlmsg_type, GENL_ID_CTRL);
	len = n->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN);
	for (a = NLMSG_DATA(n) + GENL_HDRLEN; len > 0;
	     len -= NLA_ALIGN(a->nla_len), a = (void *)a + NLA_ALIGN(a->nla_len))
		if (a->nla_type == CTRL_ATTR_FAMILY_ID)
			return *(__u16 *)((char *)a + NLA_HDRLEN);
	FAIL("no family id");
}

/*
 * A socket that a user has opened shows no more when a program with rights is made
 * to use it, nor root's own when a user has got hold of it.
 */
TEST(boundary, netlink_asks_who_opened_the_socket)
{
	int roots, users, family;

	homes();
	CHECK_SYS(chdir("root"));
	must_mount(1, NULL);
	roots = CHECK_SYS(socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC));
	family = family_id(roots);
	CHECK(rows_on(roots, family) >= 1);
	IN_CHILD {
		CHECK_SYS(seteuid(NOBODY));
		users = CHECK_SYS(socket(AF_NETLINK, SOCK_RAW, NETLINK_GENERIC));
		CHECK_EQ(rows_on(users, family), 0);
		CHECK_SYS(seteuid(0));
		CHECK_EQ(rows_on(users, family), 0);
	}
	AS_USER(NOBODY)
		CHECK_EQ(rows_on(roots, family), 0);
	CHECK(rows_on(roots, family) >= 1);
	CHECK_SYS(umount("mnt"));
}

/* Is there a mount in /proc that has this in its line? */
static bool mounted(const char *text)
{
	static const char *const files[] = { "/proc/self/mounts", "/proc/self/mountinfo",
					     "/proc/self/mountstats" };
	static char line[65536];
	bool found = false;

	for (int i = 0; i < 3; i++) {
		FILE *f = fopen(files[i], "r");

		CHECK(f);
		while (fgets(line, sizeof(line), f))
			found |= strstr(line, "layerfs") && strstr(line, text);
		fclose(f);
	}
	return found;
}

/* Mounts of another mount namespace are not in one's /proc, either way. */
TEST(boundary, proc_shows_ones_own)
{
	pid_t pid;

	homes();
	pid = start_victim();
	CHECK(!mounted("/v/mnt"));
	CHECK_SYS(chdir("a"));
	IN_USERNS(ATTACKER) {
		must_mount(1, userxattr);
		CHECK(mounted("/a/mnt"));
		CHECK(!mounted("/v/mnt"));
		/* nothing else in /proc and /sys is about mounts of ours */
		CHECK(access("/proc/fs/layerfs", F_OK));
		CHECK(access("/sys/fs/layerfs", F_OK));
	}
	CHECK(!mounted("/a/mnt"));
	end_victim(pid);
}

/* A mapping and an open file name the file in the mount, not where it lies. */
TEST(boundary, proc_names_no_layer)
{
	static char line[8192];
	char link[4096] = "", path[64];
	void *map;
	FILE *f;
	int fd;

	SKIP_ON_OVERLAY("about layerfs's own paths");
	fx_dirs(1);
	mk_pattern("l1/f", 8192, 1);
	fx_mount(1);
	fd = CHECK_SYS(open("mnt/f", O_RDONLY));
	map = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED);
	f = fopen("/proc/self/maps", "r");
	CHECK(f);
	while (fgets(line, sizeof(line), f))
		if (strstr(line, "/l1/"))
			FAIL("/proc/self/maps: %s", line);
	fclose(f);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_SYS(readlink(path, link, sizeof(link) - 1));
	CHECK(strstr(link, "/mnt/f"));
	CHECK_SYS(munmap(map, 8192));
	close(fd);
}

/* The words about a refused mount go to who asked for it, nowhere else. */
TEST(boundary, messages_go_to_the_mounter)
{
	char log[1024];
	int fd[2];
	ssize_t n;

	SKIP_ON_OVERLAY("about layerfs's own words");
	fd[0] = CHECK_SYS(fsopen("layerfs", 0));
	fd[1] = CHECK_SYS(fsopen("layerfs", 0));
	CHECK(fsconfig(fd[0], FSCONFIG_SET_STRING, "lowerdir", "/none/secret", 0));
	CHECK_ERR(read(fd[1], log, sizeof(log)), ENODATA);
	n = CHECK_SYS(read(fd[0], log, sizeof(log) - 1));
	log[n] = '\0';
	CHECK(strstr(log, "/none/secret"));
	close(fd[0]);
	close(fd[1]);
}

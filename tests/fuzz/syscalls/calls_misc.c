// SPDX-License-Identifier: GPL-2.0-only
/* Handles, watches, quotas, rights, caches and netlink. */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/genetlink.h>
#include <linux/layerfs.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/fsuid.h>
#include <sys/inotify.h>
#include <sys/quota.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fuzz.h"

static union {
	struct file_handle h;
	char room[sizeof(struct file_handle) + 128];
} handle;

static long do_handle(const uint8_t *a)
{
	int mount_id;

	handle.h.handle_bytes = a[1] & 1 ? 128 : a[1] / 2;
	return name_to_handle_at(AT_FDCWD, path_of(a[0]), &handle.h, &mount_id,
				 a[2] & 1 ? 0x200 /* AT_HANDLE_FID */ : 0);
}

static long do_open_handle(const uint8_t *a)
{
	int mnt = open(a[0] & 1 ? "m0" : "u0", O_RDONLY | O_CLOEXEC);
	long ret;

	if (a[2] & 1)
		handle.h.f_handle[a[3] % 16] ^= a[4];
	ret = open_by_handle_at(mnt, &handle.h, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	close(mnt);
	return fd_keep(a[1], ret);
}

static long do_inotify(const uint8_t *a)
{
	int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (inotify_add_watch(fd, path_of(a[0]), IN_ALL_EVENTS) < 0)
		errno = 0;
	return fd_keep(a[1], fd);
}

static long do_fanotify(const uint8_t *a)
{
	static const unsigned int kinds[] = { 0, FAN_MARK_MOUNT, FAN_MARK_FILESYSTEM, FAN_MARK_ONLYDIR };
	static const unsigned int classes[] = { FAN_CLASS_NOTIF, FAN_REPORT_FID,
						FAN_REPORT_DFID_NAME, FAN_REPORT_DIR_FID };
	int fd = fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK | classes[a[2] % 4], O_RDONLY | O_CLOEXEC);

	fanotify_mark(fd, FAN_MARK_ADD | kinds[a[3] % 4], a[4] & 1 ? FAN_ALL_EVENTS :
		      FAN_CREATE | FAN_DELETE | FAN_MOVE | FAN_ATTRIB | FAN_ONDIR,
		      AT_FDCWD, path_of(a[0]));
	return fd_keep(a[1], fd);
}

static long do_quotactl(const uint8_t *a)
{
	struct dqblk q = { .dqb_valid = a[2] };
	static const int cmds[] = { Q_GETQUOTA, Q_GETINFO, Q_GETFMT, Q_SYNC, Q_QUOTAON, Q_SETQUOTA };

	return syscall(443 /* quotactl_fd */, fd_of(a[0]), QCMD(cmds[a[1] % 6], a[3] % 4), a[4], &q);
}

/* Without the rights of root, for the rest of the program. */
static long do_drop_rights(const uint8_t *a)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	switch (a[0] % 4) {
	case 0:
		return setresuid(-1, 1000, -1);
	case 1:
		return setfsuid(a[1]) | setfsgid(a[2]);
	case 2:
		data[0].effective = data[0].permitted = 0xffffffff & ~(1u << a[1] % 32);
		data[1].effective = data[1].permitted = 0xff;
		return syscall(SYS_capset, &head, data);
	default:
		return seteuid(0);
	}
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0)
		errno = 0;
	close(fd);
}

/* The rest of the program is root of a user namespace. */
static long do_userns(const uint8_t *a)
{
	if (unshare(CLONE_NEWUSER | (a[0] & 1 ? CLONE_NEWNS : 0)))
		return -1;
	write_file("/proc/self/setgroups", "deny");
	write_file("/proc/self/uid_map", "0 0 1");
	write_file("/proc/self/gid_map", "0 0 1");
	return 0;
}

static long do_drop_caches(const uint8_t *a)
{
	write_file("/proc/sys/vm/drop_caches", a[0] & 1 ? "2" : "3");
	return 0;
}

static uint16_t find_family(int fd)
{
	static uint16_t id;
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genl;
		struct nlattr attr;
		char name[8];
	} req = {
		.nlh = { sizeof(req), GENL_ID_CTRL, NLM_F_REQUEST, 1, 0 },
		.genl = { CTRL_CMD_GETFAMILY, 1, 0 },
		.attr = { sizeof(struct nlattr) + 8, CTRL_ATTR_FAMILY_NAME },
		.name = LAYERFS_GENL_NAME,
	};
	char buf[4096];
	struct nlattr *attr = (struct nlattr *)(buf + NLMSG_HDRLEN + GENL_HDRLEN);
	ssize_t n;

	if (id || send(fd, &req, sizeof(req), 0) < 0)
		return id;
	n = recv(fd, buf, sizeof(buf), 0);
	for (; (char *)attr + sizeof(*attr) <= buf + n && attr->nla_len;
	     attr = (struct nlattr *)((char *)attr + NLA_ALIGN(attr->nla_len)))
		if (attr->nla_type == CTRL_ATTR_FAMILY_ID)
			memcpy(&id, attr + 1, sizeof(id));
	return id;
}

/* Arguments: command, flags, and of one attribute type, length and value. */
static long do_netlink(const uint8_t *a)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	struct timeval soon = { .tv_usec = 100000 };
	struct {
		struct nlmsghdr nlh;
		struct genlmsghdr genl;
		struct nlattr attr;
		uint64_t value[8];
	} req = {
		.nlh = { sizeof(req), 0, NLM_F_REQUEST | (a[1] & 1 ? 0 : NLM_F_DUMP), 2, 0 },
		.genl = { a[0] & 0x80 ? a[0] : a[0] % 6, 1, 0 },
		.attr = { sizeof(struct nlattr) + (a[1] & 2 ? 8 : a[3] % 64),
			  a[1] & 4 ? LAYERFS_A_IMAGE_ID : a[2] },
		.value = { a[4], a[5] },
	};
	char *buf = malloc(65536);
	long ret;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof(soon));
	req.nlh.nlmsg_type = find_family(fd);
	if (a[1] & 8)
		req.nlh.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	else if (!(a[1] & 16))
		req.nlh.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN + NLA_ALIGN(req.attr.nla_len);
	ret = send(fd, &req, sizeof(req), 0);
	/* Some leave before the end of the dump. */
	for (int i = 0; ret >= 0 && i < (a[1] & 32 ? 1 : 16); i++) {
		ret = recv(fd, buf, a[1] & 64 ? 256 : 65536, 0);
		if (ret >= NLMSG_HDRLEN && ((struct nlmsghdr *)buf)->nlmsg_type < NLMSG_MIN_TYPE)
			break;
	}
	close(fd);
	free(buf);
	return ret;
}

const struct op misc_ops[] = {
	{ "handle", do_handle }, { "open_handle", do_open_handle }, { "inotify", do_inotify },
	{ "fanotify", do_fanotify }, { "quotactl", do_quotactl },
	{ "drop_rights", do_drop_rights }, { "userns", do_userns },
	{ "drop_caches", do_drop_caches }, { "netlink", do_netlink },
	{}
};

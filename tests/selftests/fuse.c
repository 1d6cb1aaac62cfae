// SPDX-License-Identifier: GPL-2.0-only
/*
 * The server's side of <linux/fuse.h>, as much as a read-only layer needs.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuse.h"
#include "harness.h"

#define FIRST_INO	10

struct fuse_server *fuse_new(void)
{
	struct fuse_server *s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	CHECK(s != MAP_FAILED);
	return s;
}

static void answer(int fd, const struct fuse_in_header *in, int error, const void *data,
		   size_t len)
{
	struct fuse_out_header out = {
		.len = sizeof(out) + len, .error = error, .unique = in->unique,
	};
	struct iovec iov[] = { { &out, sizeof(out) }, { (void *)data, len } };

	/* who asked may be gone */
	if (writev(fd, iov, 2) < 0)
		return;
}

static struct fuse_node *node_of(struct fuse_server *s, unsigned long long ino)
{
	return ino >= FIRST_INO && ino < FIRST_INO + FUSE_NODES ?
		&s->node[ino - FIRST_INO] : NULL;
}

static struct fuse_attr attr_of(struct fuse_server *s, unsigned long long ino)
{
	struct fuse_node *n = node_of(s, ino);

	return (struct fuse_attr){
		.ino = ino, .nlink = !s->no_links, .blksize = 4096,
		.mode = n ? n->mode : S_IFDIR | 0755,
		.uid = n ? n->uid : 0, .gid = n ? n->gid : 0,
		.size = n ? n->size : 0, .blocks = n ? (n->size + 511) / 512 : 0,
	};
}

static void do_lookup(struct fuse_server *s, int fd, struct fuse_in_header *in,
		      const char *name)
{
	struct fuse_entry_out out = {};

	for (int i = 0; i < FUSE_NODES; i++) {
		if (!*s->node[i].name || strcmp(s->node[i].name, name))
			continue;
		out.nodeid = FIRST_INO + i;
		out.attr = attr_of(s, out.nodeid);
		answer(fd, in, 0, &out, sizeof(out));
		return;
	}
	answer(fd, in, -ENOENT, NULL, 0);
}

static size_t put_dirent(char *buf, size_t room, unsigned long long ino,
			 unsigned long long off, const char *name)
{
	struct fuse_dirent *de = (void *)buf;
	size_t len = strlen(name), size = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + len);

	if (size > room)
		return 0;
	memset(buf, 0, size);
	de->ino = ino;
	de->off = off;
	de->namelen = len;
	de->type = DT_UNKNOWN;
	memcpy(de->name, name, len);
	return size;
}

static void do_readdir(struct fuse_server *s, int fd, struct fuse_in_header *in,
		       struct fuse_read_in *arg)
{
	static char buf[65536];
	size_t room = arg->size < sizeof(buf) ? arg->size : sizeof(buf), len = 0, n = 1;
	char name[32];

	for (unsigned long long i = arg->offset; n; i++) {
		if (s->endless) {
			snprintf(name, sizeof(name), "name%llu", i);
			s->listed++;
		} else if (i < FUSE_NODES && *s->node[i].name && !s->unlisted) {
			strcpy(name, s->node[i].name);
		} else {
			break;
		}
		n = put_dirent(buf + len, room - len, FIRST_INO + i % FUSE_NODES, i + 1,
			       name);
		len += n;
	}
	answer(fd, in, 0, buf, len);
}

/* A value, or with a size of 0 its length. */
static void answer_sized(int fd, struct fuse_in_header *in, size_t size, const void *value,
			 size_t len)
{
	struct fuse_getxattr_out out = { .size = len };

	if (!size)
		answer(fd, in, 0, &out, sizeof(out));
	else if (size < len)
		answer(fd, in, -ERANGE, NULL, 0);
	else
		answer(fd, in, 0, value, len);
}

static void do_getxattr(struct fuse_server *s, int fd, struct fuse_in_header *in,
			struct fuse_getxattr_in *arg)
{
	struct fuse_node *n = node_of(s, in->nodeid);

	while (s->hold) {
		s->holding = 1;
		usleep(1000);
	}
	if (in->opcode == FUSE_GETXATTR &&
	    !strcmp((char *)(arg + 1), "system.posix_acl_access"))
		s->acl_uid = in->uid;
	if (in->opcode == FUSE_LISTXATTR)
		answer_sized(fd, in, arg->size, n ? n->xattr : "",
			     n && *n->xattr ? strlen(n->xattr) + 1 : 0);
	else if (n && !strcmp(n->xattr, (char *)(arg + 1)))
		answer_sized(fd, in, arg->size, n->value, n->vlen);
	else
		answer(fd, in, -ENODATA, NULL, 0);
}

static void do_read(struct fuse_server *s, int fd, struct fuse_in_header *in,
		    struct fuse_read_in *arg)
{
	struct fuse_node *n = node_of(s, in->nodeid);
	size_t len = n ? strlen(n->data) : 0;
	size_t off = arg->offset < len ? arg->offset : len;

	len -= off;
	answer(fd, in, 0, n ? n->data + off : "", len < arg->size ? len : arg->size);
}

static void serve_one(struct fuse_server *s, int fd, struct fuse_in_header *in)
{
	const struct fuse_init_out init = {
		.major = 7, .minor = 31, .max_write = 4096, .time_gran = 1,
		.flags = s->acls ? FUSE_POSIX_ACL : 0,
	};
	struct fuse_lseek_out seek = {};
	struct fuse_attr_out attr = {};
	struct fuse_open_out open = {};
	struct fuse_statfs_out statfs = {};
	struct fuse_node *n = node_of(s, in->nodeid);
	void *arg = in + 1;

	switch (in->opcode) {
	case FUSE_INIT:
		answer(fd, in, 0, &init, sizeof(init));
		break;
	case FUSE_LOOKUP:
		do_lookup(s, fd, in, arg);
		break;
	case FUSE_GETATTR:
		attr.attr = attr_of(s, in->nodeid);
		answer(fd, in, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		if (s->no_noatime && (((struct fuse_open_in *)arg)->flags & O_NOATIME))
			answer(fd, in, -EPERM, NULL, 0);
		else
			answer(fd, in, 0, &open, sizeof(open));
		break;
	case FUSE_STATFS:
		answer(fd, in, 0, &statfs, sizeof(statfs));
		break;
	case FUSE_READDIR:
		do_readdir(s, fd, in, arg);
		break;
	case FUSE_READ:
		do_read(s, fd, in, arg);
		break;
	case FUSE_LSEEK:
		if (((struct fuse_lseek_in *)arg)->whence == SEEK_HOLE)
			seek.offset = s->lseek;
		answer(fd, in, s->lseek ? 0 : -ENOSYS, &seek, s->lseek ? sizeof(seek) : 0);
		break;
	case FUSE_READLINK:
		answer(fd, in, 0, n ? n->data : "", n ? strlen(n->data) : 0);
		break;
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
		do_getxattr(s, fd, in, arg);
		break;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_FLUSH:
		answer(fd, in, 0, NULL, 0);
		break;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(fd, in, -ENOSYS, NULL, 0);
	}
}

static void serve(struct fuse_server *s, int fd, uid_t owner)
{
	static char buf[FUSE_MIN_READ_BUFFER + 65536] __attribute__((aligned(8)));
	ssize_t n;

	CHECK_SYS(setgroups(0, NULL));
	CHECK_SYS(setresgid(owner, owner, owner));
	CHECK_SYS(setresuid(owner, owner, owner));
	for (;;) {
		n = read(fd, buf, sizeof(buf) - 1);
		if (n < 0 && (errno == EINTR || errno == ENOENT || errno == EAGAIN))
			continue;
		if (n < 0)
			_exit(0);
		buf[n] = '\0';
		serve_one(s, fd, (void *)buf);
	}
}

void fuse_mount(struct fuse_server *s, const char *where, uid_t owner)
{
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	char options[128];
	pid_t pid;

	if (fd < 0)
		test_skip("/dev/fuse: %s", strerror(errno));
	snprintf(options, sizeof(options),
		 "fd=%d,rootmode=40755,user_id=%u,group_id=%u,allow_other", fd, owner, owner);
	CHECK_SYS(mount("served", where, "fuse", MS_NOSUID | MS_NODEV, options));
	fflush(stdout);
	/* Only the parent says so: the memory is shared. */
	pid = CHECK_SYS(fork());
	if (!pid)
		serve(s, fd, owner);
	s->pid = pid;
	close(fd);
}

void fuse_kill(struct fuse_server *s)
{
	CHECK_SYS(kill(s->pid, SIGKILL));
	CHECK_EQ(waitpid(s->pid, NULL, 0), s->pid);
}

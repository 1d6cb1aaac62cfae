// SPDX-License-Identifier: GPL-2.0-only
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <linux/loop.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device.h"

/* A request to device-mapper, with room for what comes behind it. */
struct request {
	struct dm_ioctl io;
	union {
		char payload[1024];
		struct dm_target_spec spec;
		struct dm_target_msg msg;
	};
};

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd < 0)
		err(2, "%s", path);
	return fd;
}

void loop_attach(const char *file, char *dev, unsigned int size)
{
	struct loop_config cfg = {};
	int control = open_or_die("/dev/loop-control", O_RDWR);
	int number, fd;

	number = ioctl(control, LOOP_CTL_GET_FREE);
	if (number < 0)
		err(2, "no free loop device");
	snprintf(dev, size, "/dev/loop%d", number);
	fd = open_or_die(dev, O_RDWR);
	cfg.fd = open_or_die(file, O_RDWR);
	snprintf((char *)cfg.info.lo_file_name, LO_NAME_SIZE, "%s", file);
	if (ioctl(fd, LOOP_CONFIGURE, &cfg))
		err(2, "%s on %s", file, dev);
	close(cfg.fd);
	close(fd);
	close(control);
}

void loop_detach(const char *dev)
{
	int fd = open_or_die(dev, O_RDWR);

	if (ioctl(fd, LOOP_CLR_FD))
		err(2, "detaching %s", dev);
	close(fd);
}

static int control_fd(void)
{
	static int fd = -1;

	if (fd < 0)
		fd = open("/dev/" DM_DIR "/" DM_CONTROL_NODE, O_RDWR | O_CLOEXEC);
	return fd;
}

static int request(struct request *req, unsigned long cmd, const char *name)
{
	req->io.version[0] = DM_VERSION_MAJOR;
	req->io.data_size = sizeof(*req);
	req->io.data_start = offsetof(struct request, payload);
	snprintf(req->io.name, sizeof(req->io.name), "%s", name);
	return ioctl(control_fd(), cmd, req) ? -errno : 0;
}

static void must_request(struct request *req, unsigned long cmd, const char *name,
			 const char *what)
{
	int ret = request(req, cmd, name);

	if (ret) {
		errno = -ret;
		err(2, "device-mapper: %s %s", what, name);
	}
}

void dm_create(const char *name, uint64_t sectors, const char *target, const char *params,
	       char *path, unsigned int size)
{
	struct request create = {}, load = {}, resume = {};
	char *text = load.payload + sizeof(load.spec);

	must_request(&create, DM_DEV_CREATE, name, "create");
	load.io.target_count = 1;
	load.spec.length = sectors;
	snprintf(load.spec.target_type, sizeof(load.spec.target_type), "%s", target);
	snprintf(text, sizeof(load.payload) - sizeof(load.spec), "%s", params);
	must_request(&load, DM_TABLE_LOAD, name, "load the table of");
	must_request(&resume, DM_DEV_SUSPEND, name, "resume");
	snprintf(path, size, "/dev/dm-%u", minor(create.io.dev));
}

void dm_remove(const char *name)
{
	struct request req = {};

	must_request(&req, DM_DEV_REMOVE, name, "remove");
}

int mark(const char *text)
{
	const char *name = getenv(PC_NAME_ENV);
	struct request req = {};
	const size_t room = sizeof(req.payload) - sizeof(req.msg);

	if (!name)
		return 0;
	if (snprintf(req.msg.message, room, "mark %s", text) > 480)
		return -E2BIG;
	return request(&req, DM_TARGET_MSG, name);
}

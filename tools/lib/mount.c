// SPDX-License-Identifier: LGPL-2.1-or-later
/* Mounting in steps, with the kernel's own words when a step fails. */
#include <errno.h>
#include <fcntl.h>
#include <linux/layerfs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "layerfs.h"

/* fsconfig(2) takes strings of 255 bytes. */
#define FSCONFIG_VALUE_MAX 255

/*
 * The next line of the kernel's log into @line; returns it without its
 * "e layerfs: ", or NULL at the end.  @kind is 'e' (error), 'w' or 'i'.
 */
static const char *next_line(int fs, char line[LAYERFS_ERROR_MAX], char *kind)
{
	const char prefix[] = LAYERFS_FS_NAME ": ";
	const char *text;
	ssize_t len;

	do {
		len = read(fs, line, LAYERFS_ERROR_MAX - 1);
		if (len <= 0)
			return NULL;
		while (len && line[len - 1] == '\n')
			len--;
		line[len] = '\0';
	} while (len < 2);
	*kind = line[0];
	text = line + 2;
	return strncmp(text, prefix, strlen(prefix)) ? text : text + strlen(prefix);
}

/*
 * What the kernel logged since the last call into @buf, errors only, with "; "
 * between them.  Returns how many bytes.
 */
static size_t read_errors(int fs, char *buf, size_t size)
{
	char line[LAYERFS_ERROR_MAX], kind;
	const char *text;
	size_t used = 0;

	buf[0] = '\0';
	while ((text = next_line(fs, line, &kind))) {
		if (kind != 'e')
			continue;
		used += snprintf(buf + used, size - used, "%s%s", used ? "; " : "", text);
		if (used >= size)
			return size - 1;
	}
	return used;
}

/* The mount is there: what is to be said of it, all the same? */
static void pass_warnings(int fs, const struct layerfs_options *opts)
{
	char line[LAYERFS_ERROR_MAX], kind;
	const char *text;

	while (opts->warn && (text = next_line(fs, line, &kind)))
		if (kind == 'w')
			opts->warn(opts->warn_data, text);
}

/* Turn the errno of a failed step into an error, the log first. */
static int step_failed(int fs, const char *step, struct layerfs_error *err)
{
	char log[LAYERFS_ERROR_MAX];
	int code = -errno;

	if (read_errors(fs, log, sizeof(log)))
		return layerfs_error_set(err, code, "%s", log);
	return layerfs_error_sys(err, code, "%s", step);
}

static int open_fs(struct layerfs_error *err)
{
	int fs = fsopen(LAYERFS_FS_NAME, FSOPEN_CLOEXEC);

	if (fs >= 0)
		return fs;
	if (errno == ENODEV)
		return layerfs_error_set(err, -ENODEV,
			"the running kernel does not know layerfs; is the module layerfs loaded?");
	if (errno == EPERM)
		return layerfs_error_set(err, -EPERM,
			"only root (CAP_SYS_ADMIN) may mount layerfs");
	return layerfs_error_sys(err, -errno, "fsopen");
}

static int set_param(int fs, const char *key, const char *value,
		     struct layerfs_error *err)
{
	int ret;

	if (value && strlen(value) > FSCONFIG_VALUE_MAX)
		return layerfs_error_set(err, -ENAMETOOLONG,
			"%s: the value has %zu bytes, the kernel takes %d",
			key, strlen(value), FSCONFIG_VALUE_MAX);
	if (value)
		ret = fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0);
	else
		ret = fsconfig(fs, FSCONFIG_SET_FLAG, key, NULL, 0);
	return ret ? step_failed(fs, key, err) : 0;
}

/* A directory, whose path may be longer than fsconfig(2) takes for a string. */
static int set_dir(int fs, const char *key, const char *path,
		   struct layerfs_error *err)
{
	if (strlen(path) <= FSCONFIG_VALUE_MAX)
		return set_param(fs, key, path, err);
	if (fsconfig(fs, FSCONFIG_SET_PATH, key, path, AT_FDCWD))
		return step_failed(fs, key, err);
	return 0;
}

static const char *layer_key(const struct layerfs_layers *layers, size_t i)
{
	return i < layers->nr - layers->nr_data ? "lowerdir+" : "datadir+";
}

static int set_flags(int fs, const struct layerfs_options *opts,
		     struct layerfs_error *err)
{
	size_t i;
	int ret = 0;

	if (opts->ro)
		ret = set_param(fs, "ro", NULL, err);
	else if (opts->rw)
		ret = set_param(fs, "rw", NULL, err);
	for (i = 0; !ret && i < opts->nr_params; i++)
		ret = set_param(fs, opts->params[i].key, opts->params[i].value, err);
	return ret;
}

static int set_dirs(int fs, const struct layerfs_options *opts, struct layerfs_error *err)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < opts->layers.nr; i++)
		ret = set_dir(fs, layer_key(&opts->layers, i), opts->layers.path[i], err);
	if (!ret && opts->upperdir)
		ret = set_dir(fs, "upperdir", opts->upperdir, err);
	if (!ret && opts->workdir)
		ret = set_dir(fs, "workdir", opts->workdir, err);
	return ret;
}

static int set_all(int fs, const struct layerfs_options *opts,
		   const char *source, struct layerfs_error *err)
{
	int ret;

	ret = set_param(fs, "source", source, err);
	if (!ret)
		ret = set_dirs(fs, opts, err);
	return ret ? ret : set_flags(fs, opts, err);
}

int layerfs_mount(const struct layerfs_options *opts, const char *source,
		  const char *target, struct layerfs_error *err)
{
	uint64_t attrs = opts->attr_set | (opts->ro ? MOUNT_ATTR_RDONLY : 0);
	int at, fs = -1, mnt = -1, ret;

	/* First, so that a bad target leaves the upper directory untouched. */
	at = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (at < 0)
		return layerfs_error_sys(err, -errno, "mount point '%s'", target);
	fs = ret = open_fs(err);
	if (ret < 0)
		goto close;
	ret = set_all(fs, opts, source, err);
	if (ret)
		goto close;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0)) {
		ret = step_failed(fs, "the kernel refused the mount", err);
		goto close;
	}
	mnt = fsmount(fs, FSMOUNT_CLOEXEC, attrs);
	if (mnt < 0) {
		ret = step_failed(fs, "fsmount", err);
		goto close;
	}
	ret = 0;
	if (move_mount(mnt, "", at, "",
		       MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH))
		ret = layerfs_error_sys(err, -errno, "mount point '%s'", target);
	else
		pass_warnings(fs, opts);
close:
	if (mnt >= 0)
		close(mnt);
	if (fs >= 0)
		close(fs);
	close(at);
	return ret;
}

static int change_attrs(const struct layerfs_options *opts, const char *target,
			struct layerfs_error *err)
{
	struct mount_attr attr = {
		.attr_set = opts->attr_set | (opts->ro ? MOUNT_ATTR_RDONLY : 0),
		.attr_clr = opts->attr_clear | (opts->rw ? MOUNT_ATTR_RDONLY : 0),
	};

	if (!attr.attr_set && !attr.attr_clr)
		return 0;
	if (mount_setattr(AT_FDCWD, target, 0, &attr, sizeof(attr)))
		return layerfs_error_sys(err, -errno, "flags of the mount '%s'", target);
	return 0;
}

static int is_layerfs(const char *target, struct layerfs_error *err)
{
	struct statfs st;

	if (statfs(target, &st))
		return layerfs_error_sys(err, -errno, "'%s'", target);
	if ((uint32_t)st.f_type != LAYERFS_SUPER_MAGIC)
		return layerfs_error_set(err, -EINVAL,
					 "'%s' is not a layerfs mount", target);
	return 0;
}

int layerfs_remount(const struct layerfs_options *opts, const char *target,
		    struct layerfs_error *err)
{
	int fs, ret;

	ret = is_layerfs(target, err);
	if (ret)
		return ret;
	fs = fspick(AT_FDCWD, target, FSPICK_CLOEXEC | FSPICK_NO_AUTOMOUNT);
	if (fs < 0)
		return layerfs_error_sys(err, -errno, "remount of '%s'", target);
	/* The kernel compares them with what is mounted, by their spelling. */
	ret = set_dirs(fs, opts, err);
	if (!ret)
		ret = set_flags(fs, opts, err);
	if (!ret && fsconfig(fs, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0))
		ret = step_failed(fs, "the kernel refused the remount", err);
	if (!ret)
		pass_warnings(fs, opts);
	close(fs);
	return ret ? ret : change_attrs(opts, target, err);
}

int layerfs_umount(const char *target, int flags, struct layerfs_error *err)
{
	int ret = is_layerfs(target, err);

	if (ret)
		return ret;
	if (!umount2(target, flags | UMOUNT_NOFOLLOW))
		return 0;
	if (errno == EBUSY)
		return layerfs_error_set(err, -EBUSY,
			"'%s' is busy: a process has a file open or its directory there, or something is mounted below",
			target);
	if (errno == EINVAL)
		return layerfs_error_set(err, -EINVAL, "'%s' is not a mount point", target);
	return layerfs_error_sys(err, -errno, "'%s'", target);
}

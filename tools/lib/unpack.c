// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "unpack.h"
#include "unpack_attr.h"
#include "unpack_tree.h"

#define WHITEOUT_PREFIX	".wh."
#define META_PREFIX	".wh..wh."
#define OPAQUE_MARK	".wh..wh..opq"
/* How much of a name a message shows */
#define SHOWN_MAX	256
/* What the kernel's 32 bits for a device number hold */
#define MAJOR_MAX	0xfff
#define MINOR_MAX	0xfffff
/* Long names, attributes and maps of holes: libarchive keeps them in memory */
#define HEADER_MAX	(8 << 20)

/**
 * struct unpack - one run
 * @tree: what is being made
 * @archive: where from
 * @pull: gives the bytes
 * @arg: for @pull
 * @pull_err: set when @pull failed
 * @header: how much the header at hand took so far, or -1 while data is read
 * @done: the caller's
 */
struct unpack {
	struct unpack_tree tree;
	struct archive *archive;
	layerfs_pull_fn pull;
	void *arg;
	struct layerfs_error pull_err;
	ssize_t header;
	struct layerfs_unpacked *done;
};

/* One entry, as the functions below hand it on */
struct item {
	struct archive_entry *entry;
	struct unpack_name name;
	struct timespec times[2];
	int parent;
};

enum mark { MARK_NONE, MARK_WHITEOUT, MARK_OPAQUE, MARK_META, MARK_BAD };

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static enum mark classify(const struct unpack_name *name)
{
	const char *p = name->path;

	for (; p != name->base; p = strchr(p, '/') + 1) {
		if (has_prefix(p, META_PREFIX))
			return MARK_META;
		if (has_prefix(p, WHITEOUT_PREFIX))
			return MARK_BAD;
	}
	if (!strcmp(p, OPAQUE_MARK))
		return MARK_OPAQUE;
	if (has_prefix(p, META_PREFIX))
		return MARK_META;
	if (!has_prefix(p, WHITEOUT_PREFIX))
		return MARK_NONE;
	p += strlen(WHITEOUT_PREFIX);
	return !*p || !strcmp(p, ".") || !strcmp(p, "..") ? MARK_BAD : MARK_WHITEOUT;
}

static int open_new(const struct item *item)
{
	int fd = openat(item->parent, item->name.base,
			O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? -errno : fd;
}

static int make_node(const struct item *item)
{
	struct archive_entry *entry = item->entry;
	mode_t type = archive_entry_filetype(entry);
	uint64_t major = archive_entry_rdevmajor(entry), minor = archive_entry_rdevminor(entry);

	if (type == AE_IFLNK)
		return symlinkat(archive_entry_symlink(entry), item->parent, item->name.base) ?
		       -errno : 0;
	if ((type == AE_IFCHR || type == AE_IFBLK) && (major > MAJOR_MAX || minor > MINOR_MAX))
		return -ERANGE;
	return mknodat(item->parent, item->name.base, type | 0600, makedev(major, minor)) ?
	       -errno : 0;
}

/* The last of several entries with one name wins, as in tar */
static int replace(struct unpack *u, const struct item *item, int (*make)(const struct item *))
{
	int ret = make(item);

	if (ret != -EEXIST)
		return ret;
	ret = unpack_tree_clear(&u->tree, item->parent, item->name.base);
	return ret ? ret : make(item);
}

static int archive_failed(struct unpack *u, struct layerfs_error *err)
{
	const char *why = archive_error_string(u->archive);

	if (u->pull_err.code)
		return layerfs_error_set(err, u->pull_err.code, "%s", u->pull_err.msg);
	return layerfs_error_set(err, -EBADMSG, "the archive is damaged: %s",
				 why ? why : "unknown error");
}

static int write_at(int fd, const char *buf, size_t len, off_t pos)
{
	while (len) {
		ssize_t n = pwrite(fd, buf, len, pos);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		len -= n;
		pos += n;
	}
	return 0;
}

/* A warning is about a name that the locale cannot show; its bytes are right */
static bool is_fine(int ret)
{
	return ret == ARCHIVE_OK || ret == ARCHIVE_WARN;
}

/* Holes of a sparse entry stay holes: its blocks come with their offsets */
static int write_data(struct unpack *u, struct item *item, int fd, struct layerfs_error *err)
{
	la_int64_t size = archive_entry_size(item->entry);
	la_int64_t pos, end = 0;
	const void *buf;
	size_t len;
	int ret;

	while ((ret = archive_read_data_block(u->archive, &buf, &len, &pos)) != ARCHIVE_EOF) {
		if (!is_fine(ret))
			return archive_failed(u, err);
		ret = write_at(fd, buf, len, pos);
		if (ret)
			return layerfs_error_sys(err, ret, "cannot write its data");
		if (pos + (la_int64_t)len > end)
			end = pos + len;
	}
	if (end > size)
		return layerfs_error_set(err, -EBADMSG, "it has more data than its size %lld",
					 (long long)size);
	if (end < size && ftruncate(fd, size))
		return layerfs_error_sys(err, -errno, "cannot make it %lld bytes long",
					 (long long)size);
	return 0;
}

static int unpack_regular(struct unpack *u, struct item *item, struct layerfs_error *err)
{
	int fd, ret;

	if (archive_entry_size(item->entry) < 0)
		return layerfs_error_set(err, -EINVAL, "its size is out of range");
	fd = replace(u, item, open_new);
	if (fd < 0)
		return layerfs_error_sys(err, fd, "cannot create it");
	ret = write_data(u, item, fd, err);
	if (close(fd) && !ret)
		ret = layerfs_error_sys(err, -errno, "cannot write its data");
	return ret;
}

static int unpack_node(struct unpack *u, struct item *item, struct layerfs_error *err)
{
	int ret;

	if (archive_entry_filetype(item->entry) == AE_IFLNK &&
	    !archive_entry_symlink(item->entry))
		return layerfs_error_set(err, -EINVAL, "the symlink has no target");
	ret = replace(u, item, make_node);
	if (ret == -ERANGE)
		return layerfs_error_set(err, ret, "its device number is out of range");
	if (ret)
		return layerfs_error_sys(err, ret, "cannot create it");
	return 0;
}

static int unpack_directory(struct unpack *u, struct item *item, struct layerfs_error *err)
{
	int ret = 0;

	if (*item->name.base)
		ret = unpack_tree_mkdir(&u->tree, item->parent, item->name.base);
	if (ret)
		return layerfs_error_sys(err, ret, "cannot make the directory");
	return 0;
}

static int link_to(struct unpack *u, struct item *item, int dir, const char *base,
		   struct layerfs_error *err)
{
	struct stat from, to;
	int ret;

	if (fstatat(dir, base, &from, AT_SYMLINK_NOFOLLOW))
		return layerfs_error_set(err, -ENOENT,
					 "the file that it is a hard link to is not in this layer");
	if (S_ISDIR(from.st_mode))
		return layerfs_error_set(err, -EINVAL, "a hard link to a directory is refused");
	if (unpack_is_whiteout(&from))
		return layerfs_error_set(err, -EINVAL, "a hard link to a whiteout is refused");
	if (!fstatat(item->parent, item->name.base, &to, AT_SYMLINK_NOFOLLOW)) {
		if (from.st_dev == to.st_dev && from.st_ino == to.st_ino)
			return 0;
		ret = unpack_tree_clear(&u->tree, item->parent, item->name.base);
		if (ret)
			return layerfs_error_sys(err, ret, "cannot replace it");
	}
	if (linkat(dir, base, item->parent, item->name.base, 0))
		return layerfs_error_sys(err, -errno, "cannot link it");
	return 0;
}

static int unpack_hardlink(struct unpack *u, struct item *item, struct layerfs_error *err)
{
	const char *target = archive_entry_hardlink(item->entry);
	struct unpack_name name;
	int dir, ret;

	ret = unpack_name_parse(target, &name, err);
	if (ret)
		return layerfs_error_prefix(err, "hard link to \"%.*s\"", SHOWN_MAX, target);
	dir = unpack_tree_parent_existing(&u->tree, name.dir);
	if (dir < 0)
		ret = layerfs_error_set(err, dir,
					"the file that it is a hard link to is not in this layer");
	else
		ret = link_to(u, item, dir, *name.base ? name.base : ".", err);
	if (ret)
		layerfs_error_prefix(err, "hard link to \"%.*s\"", SHOWN_MAX, target);
	if (dir >= 0)
		close(dir);
	unpack_name_free(&name);
	return ret;
}

static int unpack_mark(struct item *item, enum mark mark, struct layerfs_error *err)
{
	int ret;

	if (mark == MARK_OPAQUE) {
		ret = unpack_tree_opaque(item->parent, ".");
		if (ret)
			return layerfs_error_sys(err, ret, "cannot make its directory opaque");
		return 0;
	}
	ret = unpack_tree_whiteout(item->parent, item->name.base + strlen(WHITEOUT_PREFIX));
	if (ret)
		return layerfs_error_sys(err, ret, "cannot make the whiteout");
	return 0;
}

static int unpack_file(struct unpack *u, struct item *item, struct layerfs_error *err)
{
	int ret;

	if (archive_entry_hardlink(item->entry))
		return unpack_hardlink(u, item, err);
	switch (archive_entry_filetype(item->entry)) {
	case AE_IFREG:
		ret = unpack_regular(u, item, err);
		break;
	case AE_IFDIR:
		ret = unpack_directory(u, item, err);
		break;
	case AE_IFLNK:
	case AE_IFCHR:
	case AE_IFBLK:
	case AE_IFIFO:
		ret = unpack_node(u, item, err);
		break;
	default:
		return layerfs_error_set(err, -EINVAL, "files of its type are refused");
	}
	if (ret)
		return ret;
	return unpack_attr_apply(&u->tree, item->entry, item->name.path, item->parent,
				 item->name.base, &u->done->ignored_xattrs, err);
}

static int unpack_item(struct unpack *u, struct item *item, struct layerfs_error *err)
{
	enum mark mark;
	int ret;

	ret = unpack_name_parse(archive_entry_pathname(item->entry), &item->name, err);
	if (ret)
		return ret;
	mark = classify(&item->name);
	if (mark == MARK_META)
		return 0;
	if (mark == MARK_BAD)
		return layerfs_error_set(err, -EINVAL, "it is no valid whiteout");
	if (!*item->name.base && (archive_entry_hardlink(item->entry) ||
				  archive_entry_filetype(item->entry) != AE_IFDIR))
		return layerfs_error_set(err, -EINVAL, "the layer's root must be a directory");

	unpack_attr_times(item->entry, item->times);
	item->parent = unpack_tree_parent(&u->tree, item->name.dir, &item->times[1], err);
	if (item->parent < 0)
		return item->parent;
	return mark == MARK_NONE ? unpack_file(u, item, err) : unpack_mark(item, mark, err);
}

static int unpack_entry(struct unpack *u, struct archive_entry *entry, struct layerfs_error *err)
{
	struct item item = { .entry = entry };
	int ret;

	ret = unpack_item(u, &item, err);
	if (ret) {
		const char *name = archive_entry_pathname(entry);

		layerfs_error_prefix(err, "entry \"%.*s\"", SHOWN_MAX, name ? name : "");
	}
	unpack_name_free(&item.name);
	return ret;
}

static la_ssize_t on_read(struct archive *archive, void *arg, const void **bufp)
{
	struct unpack *u = arg;
	ssize_t len;

	if (u->header > HEADER_MAX) {
		archive_set_error(archive, E2BIG, "a header has more than %d bytes", HEADER_MAX);
		return -1;
	}
	len = u->pull(u->arg, bufp, &u->pull_err);
	if (len >= 0) {
		u->header += u->header >= 0 ? len : 0;
		return len;
	}
	if (!u->pull_err.code)
		u->pull_err.code = len;
	archive_set_error(archive, -len, "read error");
	return -1;
}

static int next_header(struct unpack *u, struct archive_entry **entryp)
{
	int ret;

	u->header = 0;
	ret = archive_read_next_header(u->archive, entryp);
	u->header = -1;
	return ret;
}

static int unpack_all(struct unpack *u, struct layerfs_error *err)
{
	struct archive_entry *entry;
	int ret;

	archive_read_support_format_tar(u->archive);
	archive_read_support_format_empty(u->archive);
	if (archive_read_open(u->archive, u, NULL, on_read, NULL) != ARCHIVE_OK)
		return archive_failed(u, err);

	while ((ret = next_header(u, &entry)) != ARCHIVE_EOF) {
		if (!is_fine(ret))
			return archive_failed(u, err);
		ret = unpack_entry(u, entry, err);
		if (ret)
			return ret;
		/* Not wanted, and not the next header's either */
		if (!is_fine(archive_read_data_skip(u->archive)))
			return archive_failed(u, err);
		u->done->entries++;
	}
	return unpack_tree_finish(&u->tree, err);
}

int layerfs_unpack(int dirfd, layerfs_pull_fn pull, void *arg, struct layerfs_unpacked *done,
		   struct layerfs_error *err)
{
	struct unpack u = { .pull = pull, .arg = arg, .done = done };
	int ret;

	memset(done, 0, sizeof(*done));
	ret = unpack_tree_open(&u.tree, dirfd, err);
	if (ret)
		return ret;
	u.archive = archive_read_new();
	if (u.archive)
		ret = unpack_all(&u, err);
	else
		ret = layerfs_error_sys(err, -ENOMEM, "no memory for an archive");
	archive_read_free(u.archive);
	unpack_tree_close(&u.tree);
	return ret;
}

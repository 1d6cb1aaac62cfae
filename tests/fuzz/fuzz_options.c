// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mount options: kmod/mount/params.c against itself (what it shows it must
 * parse again to the same) and against the tools' reading of the same string.
 *
 * An input is two bytes, then options.  Of the first byte, bit 0: they come by
 * fsconfig(2), as "key=value" or "key", each ended by NUL, else as one string
 * of mount(2); bit 1: it is a remount.  The second, from 128 on, says which
 * allocation fails.
 */
#include <linux/namei.h>

#include "limits.h"
#include "mount/params.h"
#include "options.h"

#define MOUNT_DATA_MAX	4095	/* a page of mount(2) */
#define FSCONFIG_MAX	255

static int paths;		/* references held */
static struct inode inode, file = { .i_mode = S_IFREG };
static struct dentry dir, nodir;
static struct vfsmount mnt;

/* Names that begin so stand for what is refused. */
int kern_path(const char *name, unsigned int flags, struct path *path)
{
	FUZZ_CHECK(*name && flags == (LOOKUP_FOLLOW | LOOKUP_DIRECTORY));
	if (*name == '?')
		return -ENOENT;
	inode = (struct inode){ .i_mode = S_IFDIR,
				.i_opflags = *name == 'C' ? FUZZ_CASEFOLD : 0 };
	nodir.d_inode = &file;
	dir = (struct dentry){ .d_inode = &inode,
			       .d_flags = *name == 'A' ? DCACHE_NEED_AUTOMOUNT : 0 };
	path->dentry = *name == 'F' ? &nodir : &dir;
	path->mnt = &mnt;
	paths++;
	return 0;
}

void path_put(const struct path *path)
{
	if (path->dentry)
		paths--;
	FUZZ_CHECK(paths >= 0);
}

/* Not reached: values are strings. */
void path_get(const struct path *path) { abort(); }
char *d_path(const struct path *path, char *buf, int len) { abort(); }
int fs_lookup_param(struct fs_context *fc, struct fs_parameter *param, bool want_bdev,
		    unsigned int flags, struct path *path) { abort(); }

/* What the VFS takes before a filesystem sees it. */
static bool is_vfs_flag(const char *key)
{
	return !strcmp(key, "ro") || !strcmp(key, "rw");
}

static int take(struct fs_context *fc, const char *key, const char *value)
{
	struct fs_parameter param = { .key = key, .type = fs_value_is_flag };
	int ret;

	if (is_vfs_flag(key))
		return 0;
	if (value) {
		param.type = fs_value_is_string;
		param.size = strlen(value);
		/* An allocation of its own, so that not a byte behind it is read. */
		param.string = strdup(value);
	}
	ret = lfs_params_parse(fc, &param);
	free(param.string);
	return ret == -ENOPARAM ? -EINVAL : ret;
}

int vfs_parse_monolithic_sep(struct fs_context *fc, void *data, char *(*sep)(char **))
{
	char *rest = data, *key, *value;
	int ret = 0;

	while (!ret && (key = sep(&rest))) {
		value = strchr(key, '=');
		if (!*key || value == key)
			continue;
		if (value)
			*value++ = '\0';
		ret = take(fc, key, value);
	}
	return ret;
}

static void check_paths(const struct fs_context *fc, const struct lfs_params *p)
{
	int want = p->nr_lower + !!p->upper_name + !!p->work_name;

	if (fc->purpose == FS_CONTEXT_FOR_RECONFIGURE)
		want = 0;
	FUZZ_CHECK(paths == want);
}

static struct lfs_params *parse_string(struct fs_context *fc, const char *s, int *ret)
{
	char *data = strdup(s);

	fc->fs_private = lfs_params_alloc();
	*ret = fc->fs_private ? lfs_params_parse_monolithic(fc, data) : -ENOMEM;
	free(data);
	return fc->fs_private;
}

static char *show(const struct lfs_params *p)
{
	struct seq_file m = { 0 };

	seq_puts(&m, "");
	lfs_params_show(&m, p);
	/* Shown behind other options, hence with a comma. */
	FUZZ_CHECK(!m.len || *m.buf == ',');
	if (m.len)
		memmove(m.buf, m.buf + 1, m.len);
	return m.buf;
}

static bool same_string(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void check_same(const struct lfs_params *a, const struct lfs_params *b)
{
	FUZZ_CHECK(a->nr_lower == b->nr_lower && a->nr_data == b->nr_data);
	for (unsigned int i = 0; i < a->nr_lower; i++)
		FUZZ_CHECK(!strcmp(a->name[i], b->name[i]));
	FUZZ_CHECK(same_string(a->upper_name, b->upper_name));
	FUZZ_CHECK(same_string(a->work_name, b->work_name));
	FUZZ_CHECK(a->is_volatile == b->is_volatile);
	FUZZ_CHECK(a->userxattr == b->userxattr);
	FUZZ_CHECK(a->aufs_whiteouts == b->aufs_whiteouts);
}

/* What /proc/mounts shows is what mount(8) says again on a remount. */
static void check_shown(const struct lfs_params *p)
{
	struct fs_context fc = { .purpose = FS_CONTEXT_FOR_RECONFIGURE };
	char *shown = show(p), *again;
	struct lfs_params *q;
	int ret;

	q = parse_string(&fc, shown, &ret);
	FUZZ_CHECK(!ret);
	check_same(p, q);
	FUZZ_CHECK(!lfs_params_check_remount(&fc, p));
	again = show(q);
	FUZZ_CHECK(!strcmp(shown, again));
	tools_check_join(p->name, p->nr_lower, p->nr_data, shown);
	free(again);
	free(shown);
	lfs_params_free(q);
}

static void check_params(const struct lfs_params *p)
{
	FUZZ_CHECK(p->nr_lower <= LFS_MAX_LAYERS && p->nr_lower <= p->max_lower);
	FUZZ_CHECK(!p->nr_lower || p->nr_data < p->nr_lower);
	for (unsigned int i = 0; i < p->nr_lower; i++)
		FUZZ_CHECK(*p->name[i]);
	FUZZ_CHECK(!p->upper_name || *p->upper_name);
	FUZZ_CHECK(!p->work_name || *p->work_name);
}

/* What the tools hand on, one by one, has to mean what the string meant. */
struct handed {
	struct fs_context fc;
	int ret;
};

static void hand_on(void *data, const char *key, const char *value)
{
	struct handed *h = data;

	if (!h->ret)
		h->ret = take(&h->fc, key, value);
}

static void compare_with_tools(const char *s, const struct lfs_params *p)
{
	struct handed h = { .fc.purpose = FS_CONTEXT_FOR_RECONFIGURE };

	h.fc.fs_private = lfs_params_alloc();
	/* Quotes are libmount's; the tools refuse some of what the kernel takes. */
	if (!strchr(s, '"') && !tools_parse(s, hand_on, &h) && !h.ret)
		check_same(p, h.fc.fs_private);
	lfs_params_free(h.fc.fs_private);
}

static int parse_one_by_one(struct fs_context *fc, const char *s, size_t len)
{
	const char *end = s + len;
	int ret = 0;

	fc->fs_private = lfs_params_alloc();
	if (!fc->fs_private)
		return -ENOMEM;
	for (; !ret && s < end; s += strlen(s) + 1) {
		char *key = strdup(s), *value = strchr(key, '=');

		if (value) {
			*value++ = '\0';
			if (strlen(value) > FSCONFIG_MAX)
				value[FSCONFIG_MAX] = '\0';
		}
		ret = take(fc, key, value);
		free(key);
	}
	return ret;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fs_context fc = { 0 };
	struct lfs_params *p;
	char *s;
	int ret;

	if (size < 2)
		return 0;
	paths = 0;
	s = strndup((const char *)data + 2, size - 2 < MOUNT_DATA_MAX ? size - 2 : MOUNT_DATA_MAX);
	fc.purpose = data[0] & 2 ? FS_CONTEXT_FOR_RECONFIGURE : FS_CONTEXT_FOR_MOUNT;
	fuzz_fail = data[1] < 128 ? 0 : data[1] - 127;
	if (data[0] & 1) {
		char *copy = calloc(1, size);

		memcpy(copy, data + 2, size - 2);
		ret = parse_one_by_one(&fc, copy, size - 2);
		free(copy);
	} else {
		parse_string(&fc, s, &ret);
	}
	fuzz_fail = 0;
	p = fc.fs_private;
	if (p && !ret) {
		check_paths(&fc, p);
		check_params(p);
		/* Without a layer there is no mount, hence nothing to show. */
		if (p->nr_lower)
			check_shown(p);
		if (!(data[0] & 1))
			compare_with_tools(s, p);
		lfs_params_put_paths(p);
		FUZZ_CHECK(!paths);
	}
	lfs_params_free(p);
	FUZZ_CHECK(!paths);
	free(s);
	return 0;
}

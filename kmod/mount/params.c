// SPDX-License-Identifier: GPL-2.0-only
/* Mount options: one table for parsing and showing. */
#include <linux/dcache.h>
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include "mount/params.h"
#include "limits.h"

struct lfs_param {
	int (*parse)(struct fs_context *fc, struct lfs_params *p, struct fs_parameter *param);
	int (*show)(struct seq_file *m, const struct lfs_params *p);
	bool (*same)(const struct lfs_params *a, const struct lfs_params *b);
};

/**
 * lfs_params_alloc - parameters with nothing asked for
 */
struct lfs_params *lfs_params_alloc(void)
{
	return kzalloc(sizeof(struct lfs_params), GFP_KERNEL_ACCOUNT);
}

/**
 * lfs_params_put_paths - drop the references to what the options named
 * @p: its strings stay
 */
void lfs_params_put_paths(struct lfs_params *p)
{
	unsigned int i;

	for (i = 0; p->lower && i < p->nr_lower; i++)
		path_put(&p->lower[i]);
	kvfree(p->lower);
	p->lower = NULL;
	path_put(&p->upper);
	path_put(&p->work);
	memset(&p->upper, 0, sizeof(p->upper));
	memset(&p->work, 0, sizeof(p->work));
}

/**
 * lfs_params_free - free parameters
 * @p: may be NULL
 */
void lfs_params_free(struct lfs_params *p)
{
	unsigned int i;

	if (!p)
		return;
	lfs_params_put_paths(p);
	for (i = 0; i < p->nr_lower; i++)
		kfree(p->name[i]);
	kvfree(p->name);
	kfree(p->upper_name);
	kfree(p->work_name);
	kfree(p);
}

/* What no directory under the mount may be: it is walked without crossing mounts. */
static int lfs_dir_check(struct fs_context *fc, const char *opt, const char *name,
			 const struct path *path)
{
	if (!d_is_dir(path->dentry)) {
		errorfc(fc, "%s '%s' is not a directory", opt, name);
		return -ENOTDIR;
	}
	if (path->dentry->d_flags & (DCACHE_NEED_AUTOMOUNT | DCACHE_MANAGE_TRANSIT)) {
		errorfc(fc, "%s '%s' is an automount point", opt, name);
		return -EINVAL;
	}
	return 0;
}

/**
 * struct lfs_dir - a directory that an option names
 * @name: as the mounter wrote it, or, given by a descriptor, where it is now; owned
 * @path: the directory; without a dentry in a remount, which only compares names
 */
struct lfs_dir {
	char *name;
	struct path path;
};

static void lfs_dir_put(struct lfs_dir *dir)
{
	path_put(&dir->path);
	kfree(dir->name);
}

/* By a path as a string; fsconfig(2) has no more than 255 bytes for it. */
static int lfs_dir_by_name(struct fs_context *fc, const char *opt, const char *name,
			   struct lfs_dir *dir)
{
	int err;

	if (!*name) {
		errorfc(fc, "%s names an empty path", opt);
		return -EINVAL;
	}
	dir->name = kstrdup(name, GFP_KERNEL_ACCOUNT);
	if (!dir->name)
		return -ENOMEM;
	/* A remount changes no directory; comparing the names is enough for it. */
	if (fc->purpose == FS_CONTEXT_FOR_RECONFIGURE)
		return 0;
	err = kern_path(name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &dir->path);
	if (err)
		errorfc(fc, "cannot resolve %s '%s': %pe", opt, name, ERR_PTR(err));
	return err;
}

/* By FSCONFIG_SET_FD, or by FSCONFIG_SET_PATH: of any length, from a directory. */
static int lfs_dir_by_file(struct fs_context *fc, const char *opt, struct fs_parameter *param,
			   struct lfs_dir *dir)
{
	char *buf, *name;
	int err = 0;

	if (param->type == fs_value_is_file) {
		dir->path = param->file->f_path;
		path_get(&dir->path);
	} else {
		err = fs_lookup_param(fc, param, false, LOOKUP_FOLLOW | LOOKUP_DIRECTORY,
				      &dir->path);
	}
	if (err) {
		memset(&dir->path, 0, sizeof(dir->path));
		errorfc(fc, "cannot resolve %s: %pe", opt, ERR_PTR(err));
		return err;
	}
	buf = kmalloc(PATH_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	name = d_path(&dir->path, buf, PATH_MAX);
	err = PTR_ERR_OR_ZERO(name);
	if (!err)
		dir->name = kstrdup(name, GFP_KERNEL_ACCOUNT);
	else
		errorfc(fc, "%s has no path: %pe", opt, ERR_PTR(err));
	kfree(buf);
	return err || dir->name ? err : -ENOMEM;
}

/* On failure there is nothing to put. */
static int lfs_dir_get(struct fs_context *fc, const char *opt, struct fs_parameter *param,
		       struct lfs_dir *dir)
{
	int err;

	memset(dir, 0, sizeof(*dir));
	if (param->type == fs_value_is_string)
		err = lfs_dir_by_name(fc, opt, param->string, dir);
	else
		err = lfs_dir_by_file(fc, opt, param, dir);
	if (!err && dir->path.dentry)
		err = lfs_dir_check(fc, opt, dir->name, &dir->path);
	if (err)
		lfs_dir_put(dir);
	return err;
}

static int lfs_lower_grow(struct lfs_params *p)
{
	unsigned int max = p->max_lower ? p->max_lower * 2 : 8;
	struct path *lower;
	char **name;

	if (p->nr_lower < p->max_lower)
		return 0;
	lower = kvrealloc(p->lower, array_size(max, sizeof(*lower)), GFP_KERNEL_ACCOUNT);
	if (!lower)
		return -ENOMEM;
	p->lower = lower;
	name = kvrealloc(p->name, array_size(max, sizeof(*name)), GFP_KERNEL_ACCOUNT);
	if (!name)
		return -ENOMEM;
	p->name = name;
	p->max_lower = max;
	return 0;
}

static int lfs_lower_check(struct fs_context *fc, const struct lfs_params *p, const char *opt,
			   const char *name, bool is_data)
{
	if (is_data && !p->nr_lower) {
		errorfc(fc, "%s '%s' holds only data, for layers before it, of which there is none",
			opt, name);
		return -EINVAL;
	}
	if (!is_data && p->nr_data) {
		errorfc(fc, "%s '%s' cannot follow layers that hold only data", opt, name);
		return -EINVAL;
	}
	if (p->nr_lower == LFS_MAX_LAYERS) {
		errorfc(fc, "%s '%s' is one too many: there can be %d layers", opt, name,
			LFS_MAX_LAYERS);
		return -EINVAL;
	}
	return 0;
}

/* Messages call a layer "lowerdir", in whatever spelling it was given. */
static int lfs_lower_add(struct fs_context *fc, struct lfs_params *p,
			 struct fs_parameter *param, bool is_data)
{
	const char *opt = is_data ? "datadir" : "lowerdir";
	struct lfs_dir dir;
	int err;

	if (param->type == fs_value_is_string && !*param->string) {
		errorfc(fc, "lowerdir: layer %u has an empty path", p->nr_lower + 1);
		return -EINVAL;
	}
	err = lfs_dir_get(fc, opt, param, &dir);
	if (err)
		return err;
	err = lfs_lower_check(fc, p, opt, dir.name, is_data) ?: lfs_lower_grow(p);
	if (err) {
		lfs_dir_put(&dir);
		return err;
	}
	p->lower[p->nr_lower] = dir.path;
	p->name[p->nr_lower++] = dir.name;
	p->nr_data += is_data;
	return 0;
}

/* Cut the next path off *list, removing escapes; NULL at the end. */
static char *lfs_lower_next(char **list)
{
	char *s = *list, *out = s, *start = s;

	if (!s)
		return NULL;
	for (; *s && *s != ':'; s++) {
		if (*s == '\\' && s[1])
			s++;
		*out++ = *s;
	}
	*list = *s ? s + 1 : NULL;
	*out = '\0';
	return start;
}

static int lfs_parse_lowerdir(struct fs_context *fc, struct lfs_params *p,
			      struct fs_parameter *param)
{
	struct fs_parameter one = { .key = param->key, .type = fs_value_is_string };
	char *list = param->string;
	bool is_data;
	int err;

	if (p->nr_lower) {
		errorfc(fc, "lowerdir is given twice, or after lowerdir+");
		return -EINVAL;
	}
	while ((one.string = lfs_lower_next(&list))) {
		/* "::": what comes next holds only data. */
		is_data = !*one.string && p->nr_lower && list;
		if (is_data)
			one.string = lfs_lower_next(&list);
		err = lfs_lower_add(fc, p, &one, is_data);
		if (err)
			return err;
	}
	p->lower_joined = true;
	return 0;
}

static int lfs_parse_lowerdir_add(struct fs_context *fc, struct lfs_params *p,
				  struct fs_parameter *param)
{
	if (p->lower_joined) {
		errorfc(fc, "lowerdir+ cannot follow lowerdir");
		return -EINVAL;
	}
	return lfs_lower_add(fc, p, param, false);
}

static int lfs_parse_datadir_add(struct fs_context *fc, struct lfs_params *p,
				 struct fs_parameter *param)
{
	if (p->lower_joined) {
		errorfc(fc, "datadir+ cannot follow lowerdir");
		return -EINVAL;
	}
	return lfs_lower_add(fc, p, param, true);
}

static int lfs_parse_dir(struct fs_context *fc, const char *opt, struct fs_parameter *param,
			 char **name, struct path *path)
{
	struct lfs_dir dir;
	int err;

	if (*name) {
		errorfc(fc, "%s is given twice", opt);
		return -EINVAL;
	}
	err = lfs_dir_get(fc, opt, param, &dir);
	if (err)
		return err;
	*name = dir.name;
	*path = dir.path;
	return 0;
}

static int lfs_parse_upperdir(struct fs_context *fc, struct lfs_params *p,
			      struct fs_parameter *param)
{
	return lfs_parse_dir(fc, "upperdir", param, &p->upper_name, &p->upper);
}

static int lfs_parse_workdir(struct fs_context *fc, struct lfs_params *p,
			     struct fs_parameter *param)
{
	return lfs_parse_dir(fc, "workdir", param, &p->work_name, &p->work);
}

static int lfs_parse_volatile(struct fs_context *fc, struct lfs_params *p,
			      struct fs_parameter *param)
{
	p->is_volatile = true;
	return 0;
}

static int lfs_parse_userxattr(struct fs_context *fc, struct lfs_params *p,
			       struct fs_parameter *param)
{
	p->userxattr = true;
	return 0;
}

static int lfs_parse_aufs_whiteouts(struct fs_context *fc, struct lfs_params *p,
				    struct fs_parameter *param)
{
	p->aufs_whiteouts = true;
	return 0;
}

/* @name with a backslash before each of the characters in @special. */
static char *lfs_escape(char *out, const char *name, const char *special)
{
	for (; *name; name++) {
		if (strchr(special, *name))
			*out++ = '\\';
		*out++ = *name;
	}
	*out = '\0';
	return out;
}

/* A list as mount(2) and lfs_parse_lowerdir() take it. */
static char *lfs_lower_join(const struct lfs_params *p)
{
	unsigned int i;
	size_t len = 1;
	char *buf, *out;

	for (i = 0; i < p->nr_lower; i++)
		len += 2 * strlen(p->name[i]) + 2;
	buf = kvmalloc(len, GFP_KERNEL);
	if (!buf)
		return NULL;
	out = buf;
	for (i = 0; i < p->nr_lower; i++) {
		if (i)
			*out++ = ':';
		if (i >= p->nr_lower - p->nr_data)
			*out++ = ':';
		out = lfs_escape(out, p->name[i], ":,\\");
	}
	return buf;
}

static int lfs_show_lowerdir(struct seq_file *m, const struct lfs_params *p)
{
	char *list = lfs_lower_join(p);

	if (!list)
		return -ENOMEM;
	seq_show_option(m, "lowerdir", list);
	kvfree(list);
	return 0;
}

static int lfs_show_dir(struct seq_file *m, const char *opt, const char *name)
{
	char *buf;

	if (!name)
		return 0;
	buf = kvmalloc(2 * strlen(name) + 1, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	lfs_escape(buf, name, ",\\");
	seq_show_option(m, opt, buf);
	kvfree(buf);
	return 0;
}

static int lfs_show_upperdir(struct seq_file *m, const struct lfs_params *p)
{
	return lfs_show_dir(m, "upperdir", p->upper_name);
}

static int lfs_show_workdir(struct seq_file *m, const struct lfs_params *p)
{
	return lfs_show_dir(m, "workdir", p->work_name);
}

static int lfs_show_volatile(struct seq_file *m, const struct lfs_params *p)
{
	if (p->is_volatile)
		seq_puts(m, ",volatile");
	return 0;
}

static int lfs_show_userxattr(struct seq_file *m, const struct lfs_params *p)
{
	if (p->userxattr)
		seq_puts(m, ",userxattr");
	return 0;
}

static int lfs_show_aufs_whiteouts(struct seq_file *m, const struct lfs_params *p)
{
	if (p->aufs_whiteouts)
		seq_puts(m, ",aufs_whiteouts");
	return 0;
}

static bool lfs_same_string(const char *a, const char *b)
{
	return !a || (b && !strcmp(a, b));
}

static bool lfs_same_lower(const struct lfs_params *a, const struct lfs_params *b)
{
	unsigned int i;

	if (a->nr_lower && (a->nr_lower != b->nr_lower || a->nr_data != b->nr_data))
		return false;
	for (i = 0; i < a->nr_lower; i++) {
		if (strcmp(a->name[i], b->name[i]))
			return false;
	}
	return true;
}

static bool lfs_same_upper(const struct lfs_params *a, const struct lfs_params *b)
{
	return lfs_same_string(a->upper_name, b->upper_name);
}

static bool lfs_same_work(const struct lfs_params *a, const struct lfs_params *b)
{
	return lfs_same_string(a->work_name, b->work_name);
}

static bool lfs_same_volatile(const struct lfs_params *a, const struct lfs_params *b)
{
	return !a->is_volatile || b->is_volatile;
}

static bool lfs_same_userxattr(const struct lfs_params *a, const struct lfs_params *b)
{
	return !a->userxattr || b->userxattr;
}

static bool lfs_same_aufs_whiteouts(const struct lfs_params *a, const struct lfs_params *b)
{
	return !a->aufs_whiteouts || b->aufs_whiteouts;
}

enum lfs_opt {
	LFS_OPT_LOWERDIR,
	LFS_OPT_LOWERDIR_ADD,
	LFS_OPT_DATADIR_ADD,
	LFS_OPT_UPPERDIR,
	LFS_OPT_WORKDIR,
	LFS_OPT_VOLATILE,
	LFS_OPT_USERXATTR,
	LFS_OPT_AUFS_WHITEOUTS,
	LFS_OPT_NR
};

/* A directory, in each of the ways in which fsconfig(2) can name one. */
static int lfs_param_is_dir(struct p_log *log, const struct fs_parameter_spec *spec,
			    struct fs_parameter *param, struct fs_parse_result *result)
{
	switch (param->type) {
	case fs_value_is_string:
	case fs_value_is_filename:
	case fs_value_is_file:
		return 0;
	default:
		return inval_plog(log, "Bad value for '%s'", param->key);
	}
}

#define lfs_param_dir(name, opt) \
	__fsparam(lfs_param_is_dir, name, opt, fs_param_can_be_empty, NULL)

/* The options, in the order shown. */
const struct fs_parameter_spec lfs_param_table[] = {
	fsparam_string_empty("lowerdir",	LFS_OPT_LOWERDIR),
	lfs_param_dir("lowerdir+",	LFS_OPT_LOWERDIR_ADD),
	lfs_param_dir("datadir+",	LFS_OPT_DATADIR_ADD),
	lfs_param_dir("upperdir",	LFS_OPT_UPPERDIR),
	lfs_param_dir("workdir",	LFS_OPT_WORKDIR),
	fsparam_flag("volatile",	LFS_OPT_VOLATILE),
	fsparam_flag("userxattr",	LFS_OPT_USERXATTR),
	fsparam_flag("aufs_whiteouts",	LFS_OPT_AUFS_WHITEOUTS),
	{}
};

/* For each, how to parse it, show it, and tell on remount whether it changes. */
static const struct lfs_param lfs_param_ops[LFS_OPT_NR] = {
	[LFS_OPT_LOWERDIR]	= { lfs_parse_lowerdir, lfs_show_lowerdir, lfs_same_lower },
	[LFS_OPT_LOWERDIR_ADD]	= { lfs_parse_lowerdir_add, NULL, NULL },
	[LFS_OPT_DATADIR_ADD]	= { lfs_parse_datadir_add, NULL, NULL },
	[LFS_OPT_UPPERDIR]	= { lfs_parse_upperdir, lfs_show_upperdir, lfs_same_upper },
	[LFS_OPT_WORKDIR]	= { lfs_parse_workdir, lfs_show_workdir, lfs_same_work },
	[LFS_OPT_VOLATILE]	= { lfs_parse_volatile, lfs_show_volatile, lfs_same_volatile },
	[LFS_OPT_USERXATTR]	= { lfs_parse_userxattr, lfs_show_userxattr, lfs_same_userxattr },
	[LFS_OPT_AUFS_WHITEOUTS] = { lfs_parse_aufs_whiteouts, lfs_show_aufs_whiteouts,
				     lfs_same_aufs_whiteouts },
};

/**
 * lfs_params_parse - take one option
 * @fc: fs_private is the &struct lfs_params
 * @param: the option
 *
 * Return: 0, or an error with its reason in @fc's log.
 */
int lfs_params_parse(struct fs_context *fc, struct fs_parameter *param)
{
	struct fs_parse_result result;
	int opt;

	opt = fs_parse(fc, lfs_param_table, param, &result);
	if (opt < 0)
		return opt;
	return lfs_param_ops[opt].parse(fc, fc->fs_private, param);
}

/* A comma separates options, unless it is escaped: paths may hold commas. */
static char *lfs_next_option(char **s)
{
	char *opt = *s, *p;

	if (!opt)
		return NULL;
	for (p = opt; *p && *p != ','; p++) {
		if (*p == '\\' && p[1])
			p++;
	}
	*s = *p ? p + 1 : NULL;
	*p = '\0';
	return opt;
}

/*
 * "\," becomes "," and "\\" a backslash, so that a path may hold one before a
 * comma; other escapes stay.  lowerdir has escapes of its own: of its "\\"
 * nothing is removed here.
 */
static char *lfs_next_option_unescaped(char **s)
{
	char *opt = lfs_next_option(s), *in, *out;
	const char *removed;

	if (!opt)
		return NULL;
	removed = str_has_prefix(opt, "lowerdir=") ? "," : ",\\";
	for (in = out = opt; *in; *out++ = *in++) {
		if (in[0] != '\\' || !in[1])
			continue;
		if (strchr(removed, in[1]))
			in++;
		else
			*out++ = *in++;
	}
	*out = '\0';
	return opt;
}

/**
 * lfs_params_parse_monolithic - take the option string of mount(2)
 * @fc: fs_private is the &struct lfs_params
 * @data: the string; changed
 */
int lfs_params_parse_monolithic(struct fs_context *fc, void *data)
{
	return vfs_parse_monolithic_sep(fc, data, lfs_next_option_unescaped);
}

/**
 * lfs_params_check_remount - refuse a remount that would change an option
 * @fc: fs_private holds what the remount names, which may be nothing
 * @now: what the container was mounted with
 *
 * mount(8) names all options of /proc/mounts again, so equal ones are fine.
 */
int lfs_params_check_remount(struct fs_context *fc, const struct lfs_params *now)
{
	unsigned int i;

	for (i = 0; i < LFS_OPT_NR; i++) {
		if (lfs_param_ops[i].same && !lfs_param_ops[i].same(fc->fs_private, now)) {
			errorfc(fc, "%s cannot be changed by a remount", lfs_param_table[i].name);
			return -EINVAL;
		}
	}
	return 0;
}

/**
 * lfs_params_show - the options as /proc/mounts shows them
 * @m: each is written with a leading comma
 * @p: what the container was mounted with
 *
 * Return: 0, or -ENOMEM: a mount that lacks an option would be another one.
 */
int lfs_params_show(struct seq_file *m, const struct lfs_params *p)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < LFS_OPT_NR; i++) {
		if (lfs_param_ops[i].show)
			err = lfs_param_ops[i].show(m, p);
	}
	return err;
}

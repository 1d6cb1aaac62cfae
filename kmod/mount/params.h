/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_PARAMS_H
#define _LAYERFS_PARAMS_H

#include <linux/fs_context.h>
#include <linux/fs_parser.h>
#include <linux/path.h>

#include "layerfs.h"

struct seq_file;

/**
 * struct lfs_params - what the mounter asked for
 * @lower: the layers' directories, top first
 * @name: for each, its path as the mounter wrote it, without escapes
 * @nr_lower: how many
 * @nr_data: how many of them, the last ones, hold only data
 * @max_lower: how many @lower and @name have room for
 * @lower_joined: given as lowerdir=, so lowerdir+ and datadir+ may not follow
 * @upper: upper directory; dentry is NULL without one
 * @work: work directory; likewise
 * @upper_name: its path as the mounter wrote it, or NULL
 * @work_name: likewise
 * @upper_in_layer: @upper or @work lies inside a layer
 * @is_volatile: never sync
 * @userxattr: marks are attributes "user.overlay.", not "trusted.overlay."
 * @aufs_whiteouts: in layers, names ".wh.X" are whiteouts
 *
 * Lives in the fs_context, then, without the paths, in the container, which
 * shows it in /proc/mounts.
 */
struct lfs_params {
	struct path *lower;
	char **name;
	unsigned int nr_lower;
	unsigned int nr_data;
	unsigned int max_lower;
	bool lower_joined;
	struct path upper;
	struct path work;
	char *upper_name;
	char *work_name;
	bool upper_in_layer;
	bool is_volatile;
	bool userxattr;
	bool aufs_whiteouts;
};

extern const struct fs_parameter_spec lfs_param_table[];

struct lfs_params *lfs_params_alloc(void);
void lfs_params_free(struct lfs_params *p);
void lfs_params_put_paths(struct lfs_params *p);
int lfs_params_parse(struct fs_context *fc, struct fs_parameter *param);
int lfs_params_parse_monolithic(struct fs_context *fc, void *data);
int lfs_params_check_remount(struct fs_context *fc, const struct lfs_params *now);
int lfs_params_show(struct seq_file *m, const struct lfs_params *p);

#endif /* _LAYERFS_PARAMS_H */

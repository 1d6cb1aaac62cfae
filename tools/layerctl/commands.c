// SPDX-License-Identifier: GPL-2.0-only
/* The one list of commands, in the order that help shows. */
#include <stddef.h>

#include "cmd.h"

const struct lc_command *const lc_commands[] = {
	&lc_cmd_import,
	&lc_cmd_images,
	&lc_cmd_layers,
	&lc_cmd_rm,
	&lc_cmd_fsck,
	&lc_cmd_gc,
	&lc_cmd_mount,
	&lc_cmd_umount,
	&lc_cmd_ps,
	&lc_cmd_tree,
	&lc_cmd_usage,
	&lc_cmd_completion,
	&lc_cmd_version,
	&lc_cmd_help,
	NULL
};

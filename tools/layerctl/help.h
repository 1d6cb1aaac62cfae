/* SPDX-License-Identifier: GPL-2.0-only */
/* Help and completion, both made from the tables. */
#ifndef _LAYERCTL_HELP_H
#define _LAYERCTL_HELP_H

#include <stdio.h>

#include "cmd.h"

/* main.c */
extern const struct lc_option lc_global_options[];
const struct lc_command *lc_command_find(const char *name);

void lc_help_all(FILE *to);
void lc_help_command(const struct lc_command *cmd, FILE *to);
void lc_complete_bash(FILE *to);

#endif /* _LAYERCTL_HELP_H */

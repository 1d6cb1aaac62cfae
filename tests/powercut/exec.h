/* SPDX-License-Identifier: GPL-2.0-only */
/* The model's start and its operations, on real filesystems. */
#ifndef PC_EXEC_H
#define PC_EXEC_H

#include "model.h"

/* Layer @layer of the start in the directory @root; -1: the whole tree. */
void start_make(const struct model *m, const char *root, int layer);
/* All operations below @root, with marks "b1", "e1", ... around each. */
void ops_run(const struct model *m, const char *root, const char *noise);
/* xattr values are numbers in text. */
void xattr_value(uint32_t stamp, char *buf, unsigned int size);

#endif

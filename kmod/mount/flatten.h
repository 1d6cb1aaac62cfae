/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_FLATTEN_H
#define _LAYERFS_FLATTEN_H

#include "layer/layerset.h"

struct lfs_params;
struct lfs_reader;

const struct lfs_layerset *lfs_flatten(const struct lfs_params *p,
				       const struct lfs_reader *reader);
char *lfs_layer_said(const struct lfs_params *p, const struct lfs_layerset *inner,
		     const struct lfs_layerset *set, unsigned int i);

#endif /* _LAYERFS_FLATTEN_H */

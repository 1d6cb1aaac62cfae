/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LAYERFS_GENL_H
#define _LAYERFS_GENL_H

int lfs_genl_init(void);
void lfs_genl_exit(void);

#endif /* _LAYERFS_GENL_H */

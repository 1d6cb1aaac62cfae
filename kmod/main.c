// SPDX-License-Identifier: GPL-2.0-only
/* Loading and unloading: the parts of the module, in the order they need each other. */
#include <linux/module.h>

#include "layerfs.h"
#include "container/container.h"
#include "image/image.h"
#include "layer/layer.h"
#include "stats/genl.h"

static int __init lfs_init(void)
{
	int err;

	err = lfs_image_init();
	if (err)
		return err;
	err = lfs_container_init();
	if (err)
		goto exit_image;
	err = lfs_genl_init();
	if (err)
		goto exit_container;
	err = register_filesystem(&lfs_fs_type);
	if (err)
		goto exit_genl;
	return 0;

exit_genl:
	lfs_genl_exit();
exit_container:
	lfs_container_exit();
exit_image:
	lfs_image_exit();
	return err;
}

static void __exit lfs_exit(void)
{
	unregister_filesystem(&lfs_fs_type);
	lfs_genl_exit();
	/* Inodes are freed after a grace period, back to the caches below. */
	rcu_barrier();
	lfs_container_exit();
	lfs_image_exit();
}

module_init(lfs_init);
module_exit(lfs_exit);

MODULE_AUTHOR("The layerfs authors");
MODULE_DESCRIPTION("Stacking filesystem for container images");
MODULE_LICENSE("GPL");
MODULE_ALIAS_FS(LAYERFS_FS_NAME);

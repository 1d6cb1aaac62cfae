/* SPDX-License-Identifier: GPL-2.0-only */
/* The lists of live layers, images and containers that netlink dumps. */
#ifndef _LAYERFS_REGISTRY_H
#define _LAYERFS_REGISTRY_H

#include <linux/list.h>
#include <linux/mutex.h>

#include "layerfs.h"

/**
 * struct lfs_registry - all live objects of one kind
 * @lock: held to add, to remove and while a dump looks at objects
 * @head: &struct lfs_registered, ascending by id
 * @last_id: id given out last
 * @generation: changes with every add and remove
 */
struct lfs_registry {
	struct mutex lock;	/* innermost: taken under any other, nothing under it */
	struct list_head head;
	u64 last_id;
	unsigned int generation;
};

/**
 * struct lfs_registered - membership in a registry
 * @node: on lfs_registry.head, under its lock
 * @id: never used again by another object of the kind; constant
 */
struct lfs_registered {
	struct list_head node;
	u64 id;
};

extern struct lfs_registry lfs_layer_registry;
extern struct lfs_registry lfs_image_registry;
extern struct lfs_registry lfs_container_registry;

void lfs_registry_add(struct lfs_registry *r, struct lfs_registered *o);
void lfs_registry_del(struct lfs_registry *r, struct lfs_registered *o);

#endif /* _LAYERFS_REGISTRY_H */

// SPDX-License-Identifier: GPL-2.0-only
#include "stats/registry.h"

struct lfs_registry lfs_layer_registry = {
	.lock = __MUTEX_INITIALIZER(lfs_layer_registry.lock),
	.head = LIST_HEAD_INIT(lfs_layer_registry.head),
};

struct lfs_registry lfs_image_registry = {
	.lock = __MUTEX_INITIALIZER(lfs_image_registry.lock),
	.head = LIST_HEAD_INIT(lfs_image_registry.head),
};

struct lfs_registry lfs_container_registry = {
	.lock = __MUTEX_INITIALIZER(lfs_container_registry.lock),
	.head = LIST_HEAD_INIT(lfs_container_registry.head),
};

/**
 * lfs_registry_add - make an object visible to dumps
 * @r: registry of its kind
 * @o: fully set up; gets its id here
 */
void lfs_registry_add(struct lfs_registry *r, struct lfs_registered *o)
{
	mutex_lock(&r->lock);
	o->id = ++r->last_id;
	r->generation++;
	list_add_tail(&o->node, &r->head);
	mutex_unlock(&r->lock);
}

/**
 * lfs_registry_del - hide an object from dumps
 * @r: registry of its kind
 * @o: added before; once this returns no dump looks at it
 */
void lfs_registry_del(struct lfs_registry *r, struct lfs_registered *o)
{
	mutex_lock(&r->lock);
	list_del(&o->node);
	r->generation++;
	mutex_unlock(&r->lock);
}

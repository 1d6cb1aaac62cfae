// SPDX-License-Identifier: GPL-2.0-only
/*
 * For how long the list of names of a directory is kept: as its inode, unless memory
 * is wanted and nobody is reading it.
 */
#include <linux/fs.h>
#include <linux/shrinker.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "image/image.h"
#include "image/list.h"
#include "image/names.h"
#include "limits.h"

/*
 * What it weighs beside a dentry, which is what the VFS takes an object for.  Whiteouts
 * are not listed, but take as much memory.
 */
static long lfs_image_list_weight(const struct lfs_image_list *list)
{
	const struct lfs_names *names = list->names;

	return 1 + ((long)names->nr + names->nr_dropped) / LFS_NAMES_PER_DENTRY;
}

/**
 * lfs_image_list_touch - note that a list is of use
 * @list: in an RCU section, or referenced
 */
void lfs_image_list_touch(struct lfs_image_list *list)
{
	/* It is read by many, and mostly noted already. */
	if (!READ_ONCE(list->used))
		WRITE_ONCE(list->used, true);
}

/**
 * lfs_image_list_get - the list that a directory has
 * @ii: of a directory of an image
 *
 * Return: a reference; NULL if there is none, or no longer.
 */
struct lfs_image_list *lfs_image_list_get(struct lfs_image_inode *ii)
{
	struct lfs_image_list *list;

	rcu_read_lock();
	list = rcu_dereference(ii->list);
	if (list && !refcount_inc_not_zero(&list->ref))
		list = NULL;
	rcu_read_unlock();
	if (list)
		lfs_image_list_touch(list);
	return list;
}

static void lfs_image_list_free(struct rcu_head *rcu)
{
	struct lfs_image_list *list = container_of(rcu, struct lfs_image_list, rcu);

	lfs_names_free(list->names);
	kfree(list);
}

/**
 * lfs_image_list_put - drop a reference
 * @list: may be NULL
 */
void lfs_image_list_put(struct lfs_image_list *list)
{
	if (list && refcount_dec_and_test(&list->ref))
		call_rcu(&list->rcu, lfs_image_list_free);
}

/**
 * lfs_image_list_publish - give a directory its list
 * @ii: of a directory of an image
 * @list: its only reference is the caller's, who gets another one
 *
 * Return: a reference on @list, or on the list that @ii has already got; @list is
 * freed then.
 */
struct lfs_image_list *lfs_image_list_publish(struct lfs_image_inode *ii,
					      struct lfs_image_list *list)
{
	struct lfs_image *image = lfs_image_of(ii->vfs_inode.i_sb);
	struct lfs_image_list *other;

	spin_lock(&image->lists_lock);
	other = rcu_dereference_protected(ii->list, lockdep_is_held(&image->lists_lock));
	if (other) {
		refcount_inc(&other->ref);
	} else {
		refcount_inc(&list->ref);
		list->dir = ii;
		list_add_tail(&list->lru, &image->lists);
		image->lists_weight += lfs_image_list_weight(list);
		rcu_assign_pointer(ii->list, list);
	}
	spin_unlock(&image->lists_lock);
	if (!other)
		return list;
	lfs_image_list_put(list);
	return other;
}

/* Its reference is the caller's from now. */
static struct lfs_image_list *lfs_image_list_take(struct lfs_image *image,
						  struct lfs_image_inode *ii)
{
	struct lfs_image_list *list;

	list = rcu_replace_pointer(ii->list, NULL, lockdep_is_held(&image->lists_lock));
	if (list) {
		list_del_init(&list->lru);
		image->lists_weight -= lfs_image_list_weight(list);
	}
	return list;
}

/**
 * lfs_image_list_drop - take the list from a directory that ends
 * @ii: of a directory of an image
 */
void lfs_image_list_drop(struct lfs_image_inode *ii)
{
	struct lfs_image *image = lfs_image_of(ii->vfs_inode.i_sb);
	struct lfs_image_list *list;

	/* Nobody can give it one any more. */
	if (!rcu_access_pointer(ii->list))
		return;
	spin_lock(&image->lists_lock);
	list = lfs_image_list_take(image, ii);
	spin_unlock(&image->lists_lock);
	lfs_image_list_put(list);
}

/**
 * lfs_image_lists_count - ->nr_cached_objects of an image
 * @sb: the image's
 * @sc: not used: a list serves containers of any control group
 */
long lfs_image_lists_count(struct super_block *sb, struct shrink_control *sc)
{
	return READ_ONCE(lfs_image_of(sb)->lists_weight);
}

/**
 * lfs_image_lists_free - ->free_cached_objects of an image
 * @sb: the image's
 * @sc: @sc->nr_to_scan says how much to look at
 *
 * A list that was used since the last time stays for another round, one that is being
 * read as long as it is: to give it away would free nothing, and have it made again.
 *
 * Return: how much was freed, in what lfs_image_lists_count() counts.
 */
long lfs_image_lists_free(struct super_block *sb, struct shrink_control *sc)
{
	struct lfs_image *image = lfs_image_of(sb);
	unsigned long left = sc->nr_to_scan;
	struct lfs_image_list *list, *next;
	long weight, freed = 0;
	LIST_HEAD(stay);
	LIST_HEAD(go);

	spin_lock(&image->lists_lock);
	list_for_each_entry_safe(list, next, &image->lists, lru) {
		weight = lfs_image_list_weight(list);
		if (READ_ONCE(list->used) || refcount_read(&list->ref) > 1) {
			WRITE_ONCE(list->used, false);
			list_move_tail(&list->lru, &stay);
		} else {
			lfs_image_list_take(image, list->dir);
			list_add(&list->lru, &go);
			freed += weight;
		}
		if (left <= weight)
			break;
		left -= weight;
	}
	list_splice_tail(&stay, &image->lists);
	spin_unlock(&image->lists_lock);
	list_for_each_entry_safe(list, next, &go, lru)
		lfs_image_list_put(list);
	return freed;
}

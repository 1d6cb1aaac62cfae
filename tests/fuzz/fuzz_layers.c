// SPDX-License-Identifier: GPL-2.0-only
/*
 * Layers with marks of any kind, merged by kmod/image/lookup.c, and an upper on
 * them by kmod/container/lookup.c.  What the image finds is compared with a
 * second reading of the format, below, which keeps paths as lists of names
 * instead of strings.
 *
 * An input is: number of layers and of those that hold only data, kind of marks,
 * whether directories have lists of names and which allocation fails, then objects:
 * place, name, type and marks.
 */
#include <linux/dcache.h>

#include "container/container.h"
#include "image/image.h"
#include "image/list.h"
#include "image/names.h"
#include "layer/lower.h"
#include "layer/marker.h"
#include "limits.h"

#define MAX_LAYERS	4
#define MAX_NODES	48
#define MAX_DEPTH	4
#define MAX_MADE	4096

struct node {
	struct node *parent;
	const char *name;
	int layer;		/* MAX_LAYERS: the upper */
	bool opaque, xwhiteouts;
	bool metacopy, whiteout;
	const uint8_t *redirect;
	size_t redirect_len;
	struct inode inode;
	struct dentry dentry;
};

static char long_name[256];
static const char *const names[] = { "a", "b", "c", long_name };

static struct node nodes[MAX_NODES + MAX_LAYERS + 1];
static unsigned int nr_nodes, nr_layers, nr_merged;
static struct super_block real_sb, image_sb, container_sb;
static struct lfs_image image;

static bool indexed;
static struct lfs_image_list lists[MAX_MADE];
static unsigned int nr_lists;

/* Inodes and dentries of the image, freed at the end. */
static void *made[MAX_MADE];
static unsigned int nr_made;

static void *make(size_t size)
{
	FUZZ_CHECK(nr_made < MAX_MADE);
	return made[nr_made++] = calloc(1, size);
}

static struct node *node_find(const struct node *dir, const char *name, size_t len)
{
	for (unsigned int i = 0; i < nr_nodes; i++)
		if (nodes[i].parent == dir && strlen(nodes[i].name) == len &&
		    !memcmp(nodes[i].name, name, len))
			return &nodes[i];
	return NULL;
}

ssize_t __vfs_getxattr(struct dentry *dentry, struct inode *inode, const char *name,
		       void *value, size_t size)
{
	const struct node *n = dentry->fuzz;
	const void *v = "y";
	size_t len = 1;

	if (!strcmp(name, image.marks->redirect)) {
		v = n->redirect;
		len = n->redirect_len;
	} else if (!strcmp(name, image.marks->opaque)) {
		v = n->opaque ? "y" : n->xwhiteouts ? "x" : NULL;
	} else if (!strcmp(name, image.marks->metacopy)) {
		v = n->metacopy ? "" : NULL;
		len = 0;
	} else if (strcmp(name, image.marks->whiteout) || !n->whiteout) {
		v = NULL;
	}
	if (!v)
		return -ENODATA;
	if (size && size < len)
		return -ERANGE;
	if (size)
		memcpy(value, v, len);
	return len;
}

struct inode *lfs_image_inode_make(struct super_block *sb, struct lfs_real *real, unsigned int nr)
{
	struct lfs_image_inode *ii = make(sizeof(*ii));

	ii->vfs_inode = *real[0].dentry->d_inode;
	ii->vfs_inode.i_sb = sb;
	ii->top = real[0];
	ii->nr_below = nr - 1;
	ii->below = make(nr * sizeof(*real));
	memcpy(ii->below, real + 1, (nr - 1) * sizeof(*real));
	for (unsigned int i = 0; i < nr; i++)
		dput(real[i].dentry);
	return &ii->vfs_inode;
}

/* The types that readdir would tell, and what looking closer settles. */
static int list_node(struct lfs_names *list, const struct lfs_real *dir, const struct node *n)
{
	static const unsigned char types[] = { DT_DIR, DT_UNKNOWN };
	bool reg = S_ISREG(n->inode.i_mode), chr = S_ISCHR(n->inode.i_mode);
	unsigned int nr = list->nr;
	int err;

	err = lfs_names_add(list, n->name, strlen(n->name), reg ? DT_REG : chr ? DT_CHR :
			    S_ISDIR(n->inode.i_mode) ? types[n->layer & 1] : DT_LNK, 1);
	if (err || list->nr == nr)
		return err;
	if (S_ISDIR(n->inode.i_mode))
		list->v[nr]->type = DT_DIR;
	list->v[nr]->whiteout = chr || (reg && dir->xwhiteouts && n->whiteout);
	return 0;
}

static struct lfs_image_list *list_make(const struct lfs_image_inode *ii)
{
	struct lfs_names *list = lfs_names_alloc();
	int err = list ? 0 : -ENOMEM;

	for (unsigned int i = 0; !err && i <= ii->nr_below; i++) {
		const struct lfs_real *dir = lfs_image_real(ii, i);

		list->source = i;
		for (unsigned int j = 0; !err && j < nr_nodes; j++)
			if (nodes[j].parent == dir->dentry->fuzz)
				err = list_node(list, dir, &nodes[j]);
	}
	if (err) {
		lfs_names_free(list);
		return NULL;
	}
	lfs_names_drop_whiteouts(list);
	lists[nr_lists].names = list;
	return &lists[nr_lists++];
}

struct lfs_image_list *lfs_image_index(struct inode *dir)
{
	struct lfs_image_inode *ii = lfs_ii(dir);

	if (indexed && !ii->list)
		ii->list = list_make(ii);
	return ii->list;
}

bool lfs_image_lacks(const struct inode *dir, const char *name, int len)
{
	const struct lfs_image_list *list = lfs_image_index((struct inode *)dir);
	const struct lfs_name *n = list ? lfs_names_find(list->names, name, len) : NULL;

	return list && (!n || n->whiteout);
}

/* They stay until check_and_free(). */
void lfs_image_list_put(struct lfs_image_list *list) { }
void lfs_image_index_in_vain(struct inode *dir, unsigned int times) { }

void d_add(struct dentry *dentry, struct inode *inode)
{
	dentry->d_inode = inode;
}

/* Nothing stays in this dcache: each lookup merges. */
struct dentry *d_lookup(struct dentry *dir, const struct qstr *name)
{
	return NULL;
}

static struct dentry *image_lookup(struct dentry *dir, const char *name, int len)
{
	struct dentry *d = make(sizeof(*d)), *ret;
	char *copy = make(len + 1);

	memcpy(copy, name, len);
	d->d_sb = dir->d_sb;
	d->d_name.name = copy;
	d->d_name.len = len;
	ret = lfs_image_dir_iops.lookup(dir->d_inode, d, 0);
	if (IS_ERR(ret))
		return ret;
	return d->d_inode ? dget(d) : NULL;
}

struct dentry *lfs_real_lookup(struct mnt_idmap *idmap, struct dentry *dir, const char *name,
			       int len)
{
	struct node *n;

	/* The real filesystem would take these for something else than a name. */
	FUZZ_CHECK(len > 0 && len <= 255 && !memchr(name, '/', len) && !memchr(name, 0, len));
	FUZZ_CHECK(!(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'))));
	FUZZ_CHECK(d_is_dir(dir));
	if (dir->d_sb == &image_sb)
		return image_lookup(dir, name, len);
	n = node_find(dir->fuzz, name, len);
	return n ? dget(&n->dentry) : NULL;
}

/* Nobody changes them meanwhile, and a name has one spelling. */
/* No layer is a container. */
u64 lfs_live_version(const struct inode *dir, bool settled) { abort(); }
void d_drop(struct dentry *dentry) { abort(); }
void lfs_layer_changed(struct lfs_layer *layer, const struct dentry *where) { abort(); }
void lfs_upper_changed(struct lfs_container *c, const struct dentry *where) { abort(); }
bool lfs_folds_case(const struct dentry *dir) { return false; }
int lfs_real_spelled(const struct path *dir, const char *name, int len) { abort(); }
struct lfs_image_list *lfs_image_names(struct inode *dir) { abort(); }

/* Objects have one name each, and come from nowhere. */
struct lfs_links *lfs_links_of_upper(struct lfs_container *c, struct dentry *upper,
				     const struct layerfs_origin *origin) { return NULL; }
struct lfs_links *lfs_links_of_layer(const struct inode *image_inode) { return NULL; }
void lfs_links_free(struct lfs_links *links) { FUZZ_CHECK(!links); }
int lfs_image_origin_fs(const struct lfs_image *i, const struct layerfs_origin *o) { return -1; }

struct inode *lfs_iget(struct super_block *sb, struct lfs_key *key) { abort(); }
struct dentry *d_splice_alias(struct inode *inode, struct dentry *dentry) { abort(); }

/* The second reading of the format. */
struct path_list {
	const char *name[2 * PATH_MAX];
	size_t len[2 * PATH_MAX];
	int nr;
	bool absolute;
};

struct result {
	const struct node *found[MAX_LAYERS];
	int nr;
	bool stop, error, no_data, absolute;
};

static size_t path_len(const struct path_list *p)
{
	size_t len = p->absolute ? 0 : -1;

	for (int i = 0; i < p->nr; i++)
		len += 1 + p->len[i];
	return len;
}

static bool model_redirect(struct path_list *p, int *at, const struct node *n)
{
	static struct path_list old;
	const char *s = (const char *)n->redirect, *end = s + n->redirect_len, *sep;
	int tail;

	if (image.marks->is_user || !n->redirect_len || n->redirect_len >= PATH_MAX ||
	    memchr(s, 0, n->redirect_len))
		return false;
	old = *p;
	p->absolute |= *s == '/';
	p->nr = *s == '/' ? 0 : *at;
	if (*s == '/')
		s++;
	else if (memchr(s, '/', end - s))
		return false;
	for (;; s = sep + 1) {
		sep = memchr(s, '/', end - s) ?: end;
		if (sep == s || sep - s > 255 || (*s == '.' && sep - s == 1) ||
		    (*s == '.' && s[1] == '.' && sep - s == 2))
			return false;
		p->name[p->nr] = s;
		p->len[p->nr++] = sep - s;
		if (sep == end)
			break;
	}
	tail = *at + 1;
	*at = p->nr - 1;
	for (; tail < old.nr; tail++) {
		p->name[p->nr] = old.name[tail];
		p->len[p->nr++] = old.len[tail];
	}
	return path_len(p) < LFS_MAX_REDIRECT;
}

/* @n ends the path, and is no directory: it counts, has the data, or says where that is. */
static void model_file(struct path_list *p, int at, struct node *n, struct result *r)
{
	const bool reg = S_ISREG(n->inode.i_mode);

	if (r->nr && !(r->no_data && reg)) {
		r->stop = true;
		return;
	}
	if (n->metacopy && image.marks->is_user) {
		r->error = true;
		return;
	}
	if (!n->metacopy || !r->no_data)
		r->found[r->nr++] = n;
	r->no_data = n->metacopy;
	r->absolute = n->metacopy && n->redirect && n->redirect_len && *n->redirect == '/';
	if (!n->metacopy)
		r->stop = true;
	else if (n->redirect && !model_redirect(p, &at, n))
		r->error = true;
	else if (r->absolute)
		r->stop = false;
}

static bool is_whiteout(const struct node *dir, const struct node *n)
{
	return S_ISCHR(n->inode.i_mode) ||
	       (n->whiteout && dir->xwhiteouts && dir->layer + 1 < (int)nr_merged);
}

/* One layer: from @dir along the path, which marks on the way may change. */
static void model_layer(struct path_list *p, struct node *dir, struct result *r)
{
	for (int i = 0; dir && i < p->nr; i++) {
		struct node *n = node_find(dir, p->name[i], p->len[i]);
		bool last = i == p->nr - 1;

		if (!n)
			return;
		if (is_whiteout(dir, n) || (!S_ISDIR(n->inode.i_mode) && !last) ||
		    (S_ISDIR(n->inode.i_mode) && last && r->no_data)) {
			r->stop = true;
			return;
		}
		if (!S_ISDIR(n->inode.i_mode)) {
			model_file(p, i, n, r);
			return;
		}
		if (n->layer + 1 < (int)nr_merged) {
			if (n->opaque)
				r->stop = true;
			else if (n->redirect && !model_redirect(p, &i, n))
				r->error = true;
			else if (n->redirect && *n->redirect == '/')
				r->stop = !(r->absolute = true);
			if (r->error)
				return;
			last = i == p->nr - 1;
		}
		if (last)
			r->found[r->nr++] = n;
		dir = n;
	}
}

/* The data of a file in a layer that holds nothing else. */
static void model_data(const struct path_list *p, int layer, struct result *r)
{
	struct node *n = &nodes[layer];

	for (int i = 0; n && i < p->nr; i++)
		n = S_ISDIR(n->inode.i_mode) ? node_find(n, p->name[i], p->len[i]) : NULL;
	if (!n || !S_ISREG(n->inode.i_mode))
		return;
	r->no_data = false;
	r->error = n->metacopy;
	r->found[r->nr++] = n;
}

/* @name in a directory that is merged of @dirs. */
static void model(const struct result *dirs, const char *name, struct result *r)
{
	static struct path_list p;
	int layer = 0;

	p.nr = 1;
	p.name[0] = name;
	p.len[0] = strlen(name);
	p.absolute = false;
	memset(r, 0, sizeof(*r));
	for (int i = 0; i < dirs->nr && !p.absolute && !r->stop && !r->error; i++) {
		layer = dirs->found[i]->layer;
		model_layer(&p, (struct node *)dirs->found[i], r);
	}
	while (p.absolute && !r->stop && !r->error && ++layer < (int)nr_merged)
		model_layer(&p, &nodes[layer], r);
	for (layer = nr_merged; layer < (int)nr_layers; layer++)
		if (r->no_data && r->absolute && !r->error)
			model_data(&p, layer, r);
	r->error |= r->no_data;
}

static void compare(struct dentry *d, const struct result *r, bool comparable)
{
	const struct lfs_image_inode *ii;

	if (!comparable)
		return;
	FUZZ_CHECK(r->error == IS_ERR(d));
	if (r->error)
		return;
	FUZZ_CHECK(!!d == !!r->nr);
	if (!d)
		return;
	ii = lfs_ii(d->d_inode);
	FUZZ_CHECK((int)ii->nr_below + 1 == r->nr);
	for (int i = 0; i < r->nr; i++) {
		FUZZ_CHECK(lfs_image_real(ii, i)->dentry == &r->found[i]->dentry);
		FUZZ_CHECK((int)lfs_image_real(ii, i)->layer == r->found[i]->layer);
	}
}

static void walk_image(struct dentry *dir, const struct result *dirs, int depth, bool comparable)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(names) && nr_made < MAX_MADE / 2; i++) {
		struct result r;
		struct dentry *d;

		model(dirs, names[i], &r);
		d = lfs_image_lookup(dir, names[i], strlen(names[i]));
		compare(d, &r, comparable);
		if (IS_ERR_OR_NULL(d))
			continue;
		if (d_is_dir(d) && depth < MAX_DEPTH && comparable)
			walk_image(d, &r, depth + 1, comparable);
		dput(d);
	}
}

/* An upper on the image: what it merges with is a directory of the image. */
static void walk_container(struct lfs_inode *dir, int depth)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(names) && nr_made < MAX_MADE / 2; i++) {
		struct lfs_inode *child;
		struct lfs_key key;
		int err;

		err = lfs_resolve(&dir->vfs_inode, dir->upper, names[i], strlen(names[i]), &key);
		if (err)
			continue;
		if (key.upper) {
			FUZZ_CHECK(!S_ISCHR(key.upper->d_inode->i_mode));
			FUZZ_CHECK(!key.image || (d_is_dir(key.upper) && d_is_dir(key.image)) ||
				   (key.metacopy && d_is_reg(key.upper) && d_is_reg(key.image)));
			FUZZ_CHECK(!key.metacopy || (key.image && !image.marks->is_user));
		}
		FUZZ_CHECK(!key.image || key.image->d_sb == &image_sb);
		if (depth < MAX_DEPTH && ((key.upper && d_is_dir(key.upper)) ||
					  (key.image && d_is_dir(key.image)))) {
			child = make(sizeof(*child));
			child->vfs_inode.i_sb = &container_sb;
			child->upper = key.upper;
			child->image = key.image;
			walk_container(child, depth + 1);
		}
		lfs_key_put(&key);
	}
}

struct input {
	const uint8_t *p, *end;
};

static uint8_t next(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

static struct node *node_add(struct node *parent, const char *name, int layer, umode_t mode)
{
	struct node *n = &nodes[nr_nodes++];

	*n = (struct node){ .parent = parent, .name = name, .layer = layer };
	n->inode = (struct inode){ .i_mode = mode, .i_opflags = IOP_XATTR, .i_ino = nr_nodes,
				   .i_sb = &real_sb };
	n->dentry = (struct dentry){ .d_inode = &n->inode, .d_sb = &real_sb, .fuzz = n };
	return n;
}

/* A redirect as it should be, made of names, or any bytes. */
static void read_redirect(struct input *in, struct node *n)
{
	size_t len = next(in), max = in->end - in->p;

	if (len & 0x80) {
		char *s = make(1 + (len & 0x7f) * 8), *out = s;

		for (len &= 7; len; len--)
			out += sprintf(out, "/%s", names[next(in) % 3]);
		n->redirect = (uint8_t *)s;
		n->redirect_len = out - s;
		return;
	}
	n->redirect = in->p;
	/* Long ones are of one byte, so that an input may stay short. */
	if (len >= 0x70) {
		char *s = make(PATH_MAX + 8);

		n->redirect_len = PATH_MAX + (int)(len & 15) - 12;
		for (size_t i = 0; i < n->redirect_len; i++)
			s[i] = i % 201 ? 'a' : '/';
		n->redirect = (uint8_t *)s;
		return;
	}
	n->redirect_len = len < max ? len : max;
	in->p += n->redirect_len;
}

static void read_node(struct input *in)
{
	static const umode_t modes[] = { S_IFDIR, S_IFDIR, S_IFDIR, S_IFDIR, S_IFDIR,
					 S_IFREG, S_IFLNK, S_IFCHR };
	struct node *parent = &nodes[next(in) % nr_nodes], *n;
	uint8_t what = next(in);
	const char *name = names[what & 3];

	if (!S_ISDIR(parent->inode.i_mode) || node_find(parent, name, strlen(name)))
		return;
	n = node_add(parent, name, parent->layer, modes[(what >> 2) & 7]);
	if (S_ISREG(n->inode.i_mode)) {
		n->metacopy = (what >> 5) & 1;
		n->inode.i_size = n->metacopy;
		n->whiteout = (what >> 5) == 4;
		if ((what >> 6) & 1)
			read_redirect(in, n);
	}
	if (!S_ISDIR(n->inode.i_mode))
		return;
	n->opaque = (what >> 5) == 7;
	n->xwhiteouts = (what >> 5) == 2;
	if ((what >> 5) & 1 && !n->opaque)
		read_redirect(in, n);
}

static void check_and_free(void)
{
	for (unsigned int i = 0; i < nr_nodes; i++)
		FUZZ_CHECK(!nodes[i].dentry.count);
	while (nr_lists)
		lfs_names_free(lists[--nr_lists].names);
	while (nr_made)
		free(made[--nr_made]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, data + size };
	struct lfs_counters counters = { 0 };
	struct lfs_layer layers[MAX_LAYERS];
	struct vfsmount mnt[MAX_LAYERS], image_mnt;
	struct lfs_layerset *set = calloc(1, sizeof(*set) + MAX_LAYERS * sizeof(set->layers[0]));
	struct lfs_container c = { .image_mnt = &image_mnt, .counters = &counters };
	struct lfs_real roots[MAX_LAYERS];
	struct result all = { .nr = 0 };
	struct dentry root = { .d_sb = &image_sb };
	struct lfs_inode dir = { .vfs_inode.i_sb = &container_sb };
	u16 fsid[MAX_LAYERS] = { 0 };
	struct lfs_fs fs = { .sb = &real_sb };
	unsigned int fail;

	memset(long_name, 'l', 255);
	nr_nodes = nr_layers = 0;
	fail = next(&in);
	set->nr = 1 + (fail & 3);
	set->nr_data = ((fail >> 2) & 3) % set->nr;
	set->data_to = lfs_nr_merged(set);
	nr_merged = lfs_nr_merged(set);
	image = (struct lfs_image){ .set = set, .counters = &counters, .fs = &fs, .nr_fs = 1,
				    .sb = &image_sb, .fsid = fsid, .ino_bits = 56 };
	fail = next(&in);
	image.marks = fail & 1 ? &lfs_marks_user : &lfs_marks_trusted;
	indexed = fail & 2;
	fail = fail & 0x80 ? (fail & 0x7f) >> 1 : 0;
	image_sb.s_fs_info = &image;
	container_sb.s_fs_info = &c;
	for (; nr_layers < set->nr; nr_layers++) {
		struct node *n = node_add(NULL, "", nr_layers, S_IFDIR);

		mnt[nr_layers] = (struct vfsmount){ .mnt_root = &n->dentry };
		layers[nr_layers] = (struct lfs_layer){ .mnt = &mnt[nr_layers],
							.counters = &counters };
		set->layers[nr_layers] = &layers[nr_layers];
		if (nr_layers >= nr_merged)
			continue;
		roots[nr_layers] = (struct lfs_real){ dget(&n->dentry), nr_layers };
		all.found[all.nr++] = n;
	}
	dir.upper = &node_add(NULL, "", MAX_LAYERS, S_IFDIR)->dentry;
	while (in.p < in.end && nr_nodes < MAX_NODES)
		read_node(&in);

	root.d_inode = lfs_image_inode_make(&image_sb, roots, nr_merged);
	image_sb.s_root = &root;
	image_mnt = (struct vfsmount){ .mnt_sb = &image_sb, .mnt_root = &root };
	dir.image = &root;
	fuzz_fail = fail;
	walk_image(&root, &all, 0, !fail);
	walk_container(&dir, 0);
	fuzz_fail = 0;
	FUZZ_CHECK(!root.count);
	check_and_free();
	free(set);
	return 0;
}

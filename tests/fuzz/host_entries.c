// SPDX-License-Identifier: GPL-2.0-only
/*
 * A layer's entries, made from bytes: each byte is a choice from a short list,
 * so that most inputs are whole archives whose entries get in each other's way.
 */
#include "host_layer.h"

#include "../unit/hostile_tar.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char *const components[] = {
	"a", "b", "c", "a", "b", ".", "..", "", ".wh.a", ".wh.b", ".wh..wh..opq", ".wh..wh.x",
	".wh..", ".wh.", "secret", "outside", "proc", "self",
};

static const char *const records[] = {
	"SCHILY.xattr.trusted.overlay.opaque=y", "SCHILY.xattr.trusted.overlay.redirect=/a",
	"SCHILY.xattr.user.overlay.redirect=a", "SCHILY.xattr.trusted.overlay.metacopy=",
	"LIBARCHIVE.xattr.trusted.overlay.opaque=eQ", "RHT.security.selinux=x",
	"SCHILY.xattr.security.capability=x", "SCHILY.xattr.system.posix_acl_access=x",
	"LIBARCHIVE.xattr.security.capability=AQAAAgAgAAAAAAAAAAAAAAAAAAA",
	"SCHILY.acl.access=user::rwx,group::r-x,other::r-x,user:x:rwx:7,mask::rwx",
	"SCHILY.acl.default=user::rwx,group::r-x,other::---", "SCHILY.acl.default=user:x:rwx",
	"GNU.sparse.map=0,1,9,1", "GNU.sparse.size=20", "size=0", "size=1", "uid=-1", "uid=7",
	"mtime=1.5", "atime=-1", "SCHILY.devmajor=0", "SCHILY.devminor=0",
};

#define NR(list) (sizeof(list) / sizeof(*(list)))

struct choices {
	const uint8_t *data;
	size_t len;
};

static unsigned int choose(struct choices *c, unsigned int nr)
{
	if (!c->len)
		return 0;
	c->len--;
	return *c->data++ % nr;
}

static void choose_name(struct choices *c, char name[PATH_MAX])
{
	unsigned int shape = choose(c, 12);
	size_t n = 0;

	*name = '\0';
	if (shape == 11)
		n = snprintf(name, PATH_MAX, "%s/", outside);
	else if (shape >= 8)
		n = snprintf(name, PATH_MAX, "/");
	for (unsigned int i = 0; i <= shape % 4; i++)
		n += snprintf(name + n, PATH_MAX - n, "%s%s", i ? "/" : "",
			      components[choose(c, NR(components))]);
}

static void choose_entry(struct hostile *h, struct choices *c)
{
	static const char flags[] = "0005522211123467x";
	static const char *const modes[] = { "0000644", "0006755", "0001777", "0040755", "0120777" };
	char name[PATH_MAX], target[PATH_MAX] = "", path[PATH_MAX + 16];
	char flag = flags[choose(c, NR(flags) - 1)];
	unsigned int extra = choose(c, 8);

	hostile_fields(h);
	choose_name(c, name);
	if (flag == '1' || flag == '2')
		choose_name(c, target);
	if (flag == '3' || flag == '4')
		hostile_device(h, choose(c, 2) ? "0000000" : "0000001", "0000000");
	hostile_field(h->next.mode, sizeof(h->next.mode), modes[choose(c, NR(modes))]);
	for (; extra > 4; extra--)
		h->pax_len += hostile_record(h->pax + h->pax_len, HOSTILE_PAX - h->pax_len,
					     records[choose(c, NR(records))]);
	if (extra == 4) {
		snprintf(path, sizeof(path), "path=%s", name);
		h->pax_len += hostile_record(h->pax + h->pax_len, HOSTILE_PAX - h->pax_len, path);
	} else if (extra == 3) {
		hostile_extra(h, 'L', name, strlen(name) + 1);
	} else if (extra == 2) {
		hostile_extra(h, 'K', target, strlen(target) + 1);
	}
	hostile_entry(h, flag, name, target, flag == '0' ? "data" : "");
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	make_dirs();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static char tar[1 << 20];
	static struct hostile h;
	struct choices c = { data, len };

	h.buf = tar;
	h.max = sizeof(tar);
	h.used = h.pax_len = 0;
	while (c.len && h.used < sizeof(tar) / 2)
		choose_entry(&h, &c);
	unpack_and_look((uint8_t *)tar, h.used, 4096);
	return 0;
}

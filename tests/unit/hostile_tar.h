/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Archives that no honest program writes, each from a line of text. Nothing
 * of libarchive is used, so every field can be wrong.
 *
 * Entries are separated by ";", their words by spaces:
 *
 *	f NAME [DATA]		file
 *	d NAME			directory
 *	l NAME TARGET		symlink
 *	h NAME TARGET		hard link
 *	c NAME MAJOR MINOR	character device; b: block device
 *	p NAME			FIFO
 *	t FLAG NAME [TARGET]	the type flag itself
 *
 * and before an entry, for it alone:
 *
 *	x KEY=VALUE		a record of its pax header; several may be given
 *	X KEY=VALUE		a global pax header
 *	L NAME, K TARGET	GNU's long name and long target
 *	mode WORD, uid WORD, mtime WORD, size WORD, prefix WORD	the field's text
 *
 * also "eof", the end of the archive, "zero", a block of zeros, "junk", a block
 * of other bytes, and "cut N", which takes N bytes off the end.
 *
 * In a word %41 is "A", %s the directory outside, and {ab*3} is "ababab".
 */
#ifndef HOSTILE_TAR_H
#define HOSTILE_TAR_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOSTILE_WORD	(600 << 10)
#define HOSTILE_PAX	(700 << 10)

/* What the next entry gets */
struct hostile_fields {
	char mode[9], uid[9], mtime[13], size[13], major[9], minor[9], prefix[156];
	bool has_size;
};

struct hostile {
	char *buf;
	size_t used, max;
	const char *outside;
	char word[4][HOSTILE_WORD];
	int nr_words;
	char pax[HOSTILE_PAX];
	size_t pax_len;
	struct hostile_fields next;
};

static inline char *hostile_expand(struct hostile *h, const char *p, const char *end, char *out)
{
	while (p < end) {
		if (*p == '%' && p[1] == 's') {
			out = stpcpy(out, h->outside);
			p += 2;
		} else if (*p == '%') {
			char hex[3] = { p[1], p[2] };

			*out++ = strtol(hex, NULL, 16);
			p += 3;
		} else if (*p == '{') {
			const char *star = memchr(p, '*', end - p);
			char *rest;
			long n = strtol(star + 1, &rest, 10);

			while (n-- > 0)
				out = hostile_expand(h, p + 1, star, out);
			p = rest + 1;
		} else {
			*out++ = *p++;
		}
	}
	return out;
}

static inline void hostile_block(struct hostile *h, const void *data, size_t len)
{
	size_t whole = (len + 511) / 512 * 512;

	if (whole > h->max - h->used)
		abort();
	memset(h->buf + h->used, 0, whole);
	memcpy(h->buf + h->used, data, len);
	h->used += whole;
}

static inline void hostile_header(struct hostile *h, char flag, const char *name,
				  const char *target, size_t len)
{
	const struct hostile_fields *f = &h->next;
	unsigned int sum = 0;
	char b[512] = "";

	memcpy(b, name, strnlen(name, 100));
	memcpy(b + 100, f->mode, 8);
	memcpy(b + 108, f->uid, 8);
	memcpy(b + 116, "0000000", 8);
	if (f->has_size)
		memcpy(b + 124, f->size, 12);
	else
		snprintf(b + 124, 12, "%011zo", len);
	memcpy(b + 136, f->mtime, 12);
	b[156] = flag;
	memcpy(b + 157, target, strnlen(target, 100));
	memcpy(b + 257, "ustar\0" "00", 8);
	memcpy(b + 329, f->major, 8);
	memcpy(b + 337, f->minor, 8);
	memcpy(b + 345, f->prefix, 155);
	memset(b + 148, ' ', 8);
	for (int i = 0; i < 512; i++)
		sum += (unsigned char)b[i];
	snprintf(b + 148, 8, "%06o", sum & 0777777);
	hostile_block(h, b, sizeof(b));
}

static inline void hostile_fields(struct hostile *h)
{
	h->next = (struct hostile_fields) {
		.mode = "0000644", .uid = "0000000", .mtime = "07346545000",
		.major = "0000000", .minor = "0000000",
	};
}

static inline void hostile_extra(struct hostile *h, char flag, const char *data, size_t len)
{
	struct hostile_fields kept = h->next;

	hostile_fields(h);
	hostile_header(h, flag, "././@extra", "", len);
	hostile_block(h, data, len);
	h->next = kept;
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts itself */
static inline size_t hostile_record(char *out, size_t max, const char *record)
{
	size_t len = strlen(record) + 2, digits = 1;
	int n;

	for (size_t ten = 10; len + digits >= ten; ten *= 10)
		digits++;
	n = snprintf(out, max, "%zu %s\n", len + digits, record);
	if (n < 0 || (size_t)n >= max)
		abort();
	return n;
}

static inline void hostile_entry(struct hostile *h, char flag, const char *name,
				 const char *target, const char *data)
{
	if (h->pax_len)
		hostile_extra(h, 'x', h->pax, h->pax_len);
	h->pax_len = 0;
	hostile_header(h, flag, name, target, strlen(data));
	hostile_block(h, data, strlen(data));
	hostile_fields(h);
}

/* What does not fit is cut off */
static inline void hostile_field(char *field, size_t size, const char *text)
{
	memset(field, 0, size);
	memcpy(field, text, strnlen(text, size - 1));
}

static inline void hostile_device(struct hostile *h, const char *major, const char *minor)
{
	hostile_field(h->next.major, sizeof(h->next.major), major);
	hostile_field(h->next.minor, sizeof(h->next.minor), minor);
}

static inline bool hostile_modifier(struct hostile *h)
{
	const char *op = h->word[0], *a = h->word[1];

	if (!strcmp(op, "x")) {
		h->pax_len += hostile_record(h->pax + h->pax_len, HOSTILE_PAX - h->pax_len, a);
	} else if (!strcmp(op, "X")) {
		size_t len = hostile_record(h->word[3], HOSTILE_WORD, a);

		hostile_extra(h, 'g', h->word[3], len);
	} else if (!strcmp(op, "L") || !strcmp(op, "K")) {
		hostile_extra(h, *op, a, strlen(a) + 1);
	} else if (!strcmp(op, "mode")) {
		hostile_field(h->next.mode, sizeof(h->next.mode), a);
	} else if (!strcmp(op, "uid")) {
		hostile_field(h->next.uid, sizeof(h->next.uid), a);
	} else if (!strcmp(op, "mtime")) {
		hostile_field(h->next.mtime, sizeof(h->next.mtime), a);
	} else if (!strcmp(op, "size")) {
		memcpy(h->next.size, a, sizeof(h->next.size));
		h->next.has_size = true;
	} else if (!strcmp(op, "prefix")) {
		hostile_field(h->next.prefix, sizeof(h->next.prefix), a);
	} else {
		return false;
	}
	return true;
}

static inline void hostile_block_of(struct hostile *h, const char *op)
{
	char block[1024] = "";

	if (!strcmp(op, "eof"))
		hostile_block(h, block, 1024);
	else if (!strcmp(op, "zero"))
		hostile_block(h, block, 512);
	else if (!strcmp(op, "cut"))
		h->used -= atoi(h->word[1]);
	else if (!strcmp(op, "junk"))
		hostile_block(h, memset(block, 'j', 512), 512);
	else
		abort();
}

static inline void hostile_statement(struct hostile *h)
{
	static const char types[] = "f0d5l2h1c3b4p6";
	const char *op = h->word[0], *a = h->word[1], *b = h->word[2], *c = h->word[3];
	const char *type = op[0] && !op[1] ? strchr(types, *op) : NULL;

	if (hostile_modifier(h))
		return;
	if (!strcmp(op, "t"))
		return hostile_entry(h, *a, b, c, "");
	if (!type)
		return hostile_block_of(h, op);
	if (*op == 'd' && !strcmp(h->next.mode, "0000644"))
		strcpy(h->next.mode, "0000755");
	if (*op == 'c' || *op == 'b')
		hostile_device(h, b, c);
	if (*op == 'l' || *op == 'h')
		hostile_entry(h, type[1], a, b, "");
	else
		hostile_entry(h, type[1], a, "", *op == 'f' ? b : "");
}

/**
 * hostile_write() - make the archive that a line describes
 * @buf: where to
 * @max: room there
 * @spec: the line
 * @outside: what %s stands for
 *
 * Return: its length.
 */
static inline size_t hostile_write(char *buf, size_t max, const char *spec, const char *outside)
{
	struct hostile *h = calloc(1, sizeof(*h));
	size_t used;

	h->buf = buf;
	h->max = max;
	h->outside = outside;
	hostile_fields(h);
	while (*spec) {
		size_t len = strcspn(spec, ";");
		const char *p = spec, *end = spec + len;

		memset(h->word[0], 0, 16);
		for (int i = 0; i < 4; i++) {
			size_t n;

			p += strspn(p, " ");
			n = p < end ? strcspn(p, " ;") : 0;
			memset(h->word[i], 0, 16);
			*hostile_expand(h, p, p + n, h->word[i]) = '\0';
			p += n;
		}
		hostile_statement(h);
		spec = *end ? end + 1 : end;
	}
	used = h->used;
	free(h);
	return used;
}

#endif

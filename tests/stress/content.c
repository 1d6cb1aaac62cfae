// SPDX-License-Identifier: GPL-2.0-only
/* Contents that tell which file they are of. */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "content.h"
#include "stress.h"

#define LABEL "user.label"

static char big[LOOSE_MAX + 4096] __attribute__((aligned(4096)));

struct label label_new(bool solid)
{
	struct label l = {};

	for (int i = 0; i < 4; i++)
		l.id = l.id << 8 | (1 + rnd(255));
	if (solid)
		l.words = 512 * (1 + rnd(SOLID_MAX / 4096));
	return l;
}

int label_get(int fd, struct label *l)
{
	if (fgetxattr(fd, LABEL, l, sizeof(*l)) == sizeof(*l))
		return 0;
	if (errno != ENODATA)
		return -1;
	*l = label_new(false);
	if (!fsetxattr(fd, LABEL, l, sizeof(*l), XATTR_CREATE))
		return 0;
	if (errno != EEXIST)
		return -1;
	return fgetxattr(fd, LABEL, l, sizeof(*l)) == sizeof(*l) ? 0 : -1;
}

static uint64_t word(const struct label *l, size_t i, unsigned int gen)
{
	return (uint64_t)l->id << 32 | (uint64_t)(gen & 0xff) << 24 |
	       (i & 0xffffff);
}

void content_fill(void *buf, size_t len, off_t pos, const struct label *l,
		  unsigned int gen)
{
	uint64_t *w = buf;

	if (!l->words) {
		memset(buf, l->id & 0xff, len);
		return;
	}
	for (size_t i = 0; i < len / 8; i++)
		w[i] = word(l, pos / 8 + i, gen);
}

static void wrong(const unsigned char *buf, size_t i, size_t len, off_t pos,
		  const struct label *l, const char *what)
{
	char hex[3 * 24 + 1] = "";

	for (size_t j = 0; j < 24 && i + j < len; j++)
		sprintf(hex + 3 * j, "%02x ", buf[i + j]);
	stress_fail("%s at %lld of a file with id %08x and %u words: %s", what,
		    (long long)pos + i, l->id, l->words, hex);
}

void content_check(const void *data, size_t len, off_t pos, const struct label *l)
{
	const unsigned char *buf = data;

	if (l->words == LABEL_PRIVATE)
		return;
	if (!l->words) {
		for (size_t i = 0; i < len; i++)
			if (buf[i] && buf[i] != (l->id & 0xff))
				wrong(buf, i, len, pos, l, "foreign byte");
		return;
	}
	for (size_t i = 0; i < len; i++) {
		size_t at = pos + i;

		if (at % 8 != 3 &&
		    buf[i] != (unsigned char)(word(l, at / 8, 0) >> at % 8 * 8))
			wrong(buf, i, len, pos, l, "wrong byte");
	}
}

void content_check_fd(const void *buf, size_t len, off_t pos, int fd)
{
	struct label none = {}, l;

	if (fgetxattr(fd, LABEL, &l, sizeof(l)) == sizeof(l))
		content_check(buf, len, pos, &l);
	else if (errno == ENODATA)
		content_check(buf, len, pos, &none);
	else
		stress_fail("label: %s", strerror(errno));
}

int content_check_all(int fd)
{
	struct label l = {};
	size_t size = 0;
	struct stat st;
	ssize_t n;

	while (size < sizeof(big) &&
	       (n = pread(fd, big + size, sizeof(big) - size, size)))
		if (n < 0)
			return -1;
		else
			size += n;
	content_check_fd(big, size, 0, fd);
	if (fgetxattr(fd, LABEL, &l, sizeof(l)) < 0 && errno != ENODATA)
		return -1;
	if (fstat(fd, &st))
		return -1;
	if (l.words && l.words != LABEL_PRIVATE &&
	    (size != l.words * 8 || st.st_size != (off_t)size))
		stress_fail("%zu bytes read, stat says %lld, of a solid file of %u",
			    size, (long long)st.st_size, l.words * 8);
	return 0;
}

int content_make(int fd, const struct label *l, size_t size)
{
	if (l->words)
		size = l->words * 8;
	content_fill(big, size, 0, l, 0);
	if (fsetxattr(fd, LABEL, l, sizeof(*l), XATTR_CREATE))
		return -1;
	return pwrite(fd, big, size, 0) == (ssize_t)size ? 0 : -1;
}

int content_own(int fd)
{
	struct label l = { .words = LABEL_PRIVATE };

	return fsetxattr(fd, LABEL, &l, sizeof(l), XATTR_CREATE);
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is in a file tells which file it is of, so that mixed content shows.
 *
 * A file has a label, in user.label.  In a loose file each byte is zero (a hole)
 * or the lowest byte of its id.  A solid file has its size for life, and each
 * 64-bit word is made of the id, a generation that changes, and the place; it
 * comes to its name complete.  Readers may see a write half done, so what is
 * checked holds for each byte by itself.  A private file says so, and only its
 * owner knows what belongs in it.
 */
#ifndef LFS_STRESS_CONTENT_H
#define LFS_STRESS_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LOOSE_MAX	(192 * 1024)
#define SOLID_MAX	(96 * 1024)

#define LABEL_PRIVATE	UINT32_MAX

/**
 * struct label - which file it is
 * @id: no byte of it is 0
 * @words: size of a solid file in words; 0: loose; LABEL_PRIVATE
 */
struct label {
	uint32_t id;
	uint32_t words;
};

struct label label_new(bool solid);
/* The label of an open file, which gets one if it has none: 0, or -1. */
int label_get(int fd, struct label *l);
/* The bytes that belong at @pos; @gen is for solid files. */
void content_fill(void *buf, size_t len, off_t pos, const struct label *l,
		  unsigned int gen);
/* The bytes read at @pos belong to this file: stops the test otherwise. */
void content_check(const void *buf, size_t len, off_t pos, const struct label *l);
/* Those of a file that may have no label yet; to be asked after the read. */
void content_check_fd(const void *buf, size_t len, off_t pos, int fd);
/* The whole of a file that was opened for reading. */
int content_check_all(int fd);
/* Makes a file in full: in a layer, or for a name to come. */
int content_make(int fd, const struct label *l, size_t size);
/* An empty file becomes private: 0, or -1. */
int content_own(int fd);

#endif

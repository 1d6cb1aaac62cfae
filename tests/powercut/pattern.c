// SPDX-License-Identifier: GPL-2.0-only
/* What files hold: bytes that tell by which write, and where, they were written. */
#include <string.h>

#include "model.h"

#define ONES 0x0101010101010101ULL

static inline uint64_t word(uint64_t index, uint32_t stamp)
{
	uint64_t w = (index + 1) * 0x9e3779b97f4a7c15ULL ^ stamp * 0xd6e8feb86659fd93ULL;

	return (w ^ w >> 29) | ONES;
}

static char byte(uint64_t off, uint32_t stamp)
{
	return word(off / 8, stamp) >> off % 8 * 8;
}

void pattern_fill(char *buf, uint64_t off, uint64_t len, uint32_t stamp)
{
	uint64_t i = 0, w;

	if (!stamp) {
		memset(buf, 0, len);
		return;
	}
	for (; i < len && (off + i) % 8; i++)
		buf[i] = byte(off + i, stamp);
	for (; i + 8 <= len; i += 8) {
		w = word((off + i) / 8, stamp);
		memcpy(buf + i, &w, 8);
	}
	for (; i < len; i++)
		buf[i] = byte(off + i, stamp);
}

static char expected(uint64_t off, uint32_t stamp)
{
	return stamp ? byte(off, stamp) : 0;
}

uint64_t pattern_check(const char *buf, uint64_t off, uint64_t len, uint32_t stamp)
{
	uint64_t i = 0, w;

	for (; i < len && (off + i) % 8; i++) {
		if (buf[i] != expected(off + i, stamp))
			return i;
	}
	for (; i + 8 <= len; i += 8) {
		memcpy(&w, buf + i, 8);
		if (w != (stamp ? word((off + i) / 8, stamp) : 0))
			break;
	}
	for (; i < len; i++) {
		if (buf[i] != expected(off + i, stamp))
			return i;
	}
	return len;
}

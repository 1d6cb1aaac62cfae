// SPDX-License-Identifier: GPL-2.0-only
/* Single values as text. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "output.h"

const char *lc_text_size(uint64_t bytes, char buf[LC_TEXT_MAX])
{
	static const char *const units[] = { "kB", "MB", "GB", "TB", "PB", "EB" };
	double value = bytes;
	int unit = -1;

	if (bytes < 1000) {
		snprintf(buf, LC_TEXT_MAX, "%u B", (unsigned int)bytes);
		return buf;
	}
	/* 999.95 would be printed as 1000.0 of the smaller unit. */
	do {
		value /= 1000;
		unit++;
	} while (value >= 999.95 && unit < 5);
	snprintf(buf, LC_TEXT_MAX, value < 9.995 ? "%.2f %s" : "%.1f %s",
		 value, units[unit]);
	return buf;
}

const char *lc_text_age(int64_t then, int64_t now, char buf[LC_TEXT_MAX])
{
	static const struct {
		const char *name;
		int64_t seconds;
	} units[] = {
		{ "year", 365 * 86400 }, { "month", 30 * 86400 },
		{ "week", 7 * 86400 }, { "day", 86400 }, { "hour", 3600 },
		{ "minute", 60 }, { "second", 1 },
	};
	int64_t age = now - then, n;
	size_t i;

	if (age < 1) {
		/* Clocks differ; a future far off is worth telling. */
		snprintf(buf, LC_TEXT_MAX, age < -60 ? "in the future" : "just now");
		return buf;
	}
	for (i = 0; age < units[i].seconds; i++)
		;
	n = age / units[i].seconds;
	snprintf(buf, LC_TEXT_MAX, "%lld %s%s ago", (long long)n, units[i].name,
		 n == 1 ? "" : "s");
	return buf;
}

const char *lc_text_rfc3339(int64_t when, char buf[LC_TEXT_MAX])
{
	time_t t = when;
	struct tm tm;

	if (!gmtime_r(&t, &tm) ||
	    !strftime(buf, LC_TEXT_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(buf, LC_TEXT_MAX, "-");
	return buf;
}

const char *lc_text_digest(const struct lc_ctx *ctx, const char *digest,
			   char buf[130])
{
	const char *colon = strchr(digest, ':');

	snprintf(buf, 130, "%.*s", ctx->no_trunc ? 129 : 12,
		 colon ? colon + 1 : digest);
	return buf;
}

/* Bytes of the UTF-8 character at @s, or 0 if there is none */
static int utf8_decode(const unsigned char *s, unsigned int *codep)
{
	static const unsigned int least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	int len = *s < 0x80 ? 1 : *s < 0xc0 ? 0 : *s < 0xe0 ? 2 : *s < 0xf0 ? 3 : *s < 0xf8 ? 4 : 0;
	unsigned int code = len == 1 ? *s : *s & (0x7f >> len);

	for (int i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (!len || code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*codep = code;
	return len;
}

/* What a terminal obeys instead of showing it: C0, C1, and turns of direction */
static bool is_control(unsigned int code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x200e || code == 0x200f ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void lc_put_safe(FILE *to, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		unsigned int code;
		int len = utf8_decode(s, &code);

		if (len && !is_control(code)) {
			fwrite(s, 1, len, to);
			s += len;
			continue;
		}
		for (int i = 0; i < (len ? len : 1); i++)
			fprintf(to, "\\%03o", *s++);
	}
}

struct json_object *lc_json_text(const char *text)
{
	static const char unknown[] = "\xef\xbf\xbd";
	const unsigned char *s = (const unsigned char *)text;
	char *valid = malloc(3 * strlen(text) + 1), *out = valid;
	struct json_object *json;

	if (!valid)
		return NULL;
	while (*s) {
		unsigned int code;
		int len = utf8_decode(s, &code);

		out = mempcpy(out, len ? (const void *)s : unknown, len ? len : 3);
		s += len ? len : 1;
	}
	json = json_object_new_string_len(valid, out - valid);
	free(valid);
	return json;
}

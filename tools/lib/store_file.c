// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci_json.h"
#include "store_priv.h"

static int read_all(int fd, char *buf, size_t len)
{
	while (len) {
		ssize_t n = read(fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EBADMSG;
		buf += n;
		len -= n;
	}
	return 0;
}

int store_read_json(int dirfd, const char *name, struct json_object **jsonp)
{
	char *buf = NULL;
	struct stat st;
	int fd, ret;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		ret = -errno;
	else if (!S_ISREG(st.st_mode) || st.st_size > STORE_JSON_MAX)
		ret = -EBADMSG;
	else
		ret = (buf = malloc(st.st_size + 1)) ? 0 : -ENOMEM;
	if (!ret)
		ret = read_all(fd, buf, st.st_size);
	if (!ret)
		ret = oci_json_parse(buf, st.st_size, name, jsonp, NULL);
	free(buf);
	close(fd);
	return ret;
}

static int write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		buf += n;
		len -= n;
	}
	return 0;
}

int store_write_json(int dirfd, const char *name, struct json_object *json)
{
	const char *text;
	size_t len;
	int fd, ret;

	text = json_object_to_json_string_length(json, JSON_C_TO_STRING_PRETTY |
						 JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (!text)
		return -ENOMEM;
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	ret = write_all(fd, text, len);
	if (!ret)
		ret = write_all(fd, "\n", 1);
	if (!ret && fsync(fd))
		ret = -errno;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

void store_time_text(time_t when, char text[32])
{
	struct tm tm;

	if (!gmtime_r(&when, &tm) || !strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &tm))
		strcpy(text, "1970-01-01T00:00:00Z");
}

/* RFC 3339; 0 for what is none */
time_t store_time_parse(const char *text)
{
	struct tm tm = { 0 };
	int hours = 0, minutes = 0;
	const char *rest;
	time_t when;

	rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	if (!rest)
		return 0;
	when = timegm(&tm);
	if (*rest == '.')
		rest += 1 + strspn(rest + 1, "0123456789");
	if ((*rest == '+' || *rest == '-') && sscanf(rest + 1, "%2d:%2d", &hours, &minutes) == 2)
		when -= (*rest == '+' ? 60 : -60) * (60 * hours + minutes);
	return when;
}

int store_for_each(int dirfd, int (*fn)(void *arg, const char *name), void *arg)
{
	struct dirent *de;
	int fd, ret = 0;
	DIR *dir;

	/* A dup() would share the position with dirfd. */
	fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while (!ret && (errno = 0, de = readdir(dir)))
		if (de->d_name[0] != '.')
			ret = fn(arg, de->d_name);
	if (!ret && errno)
		ret = -errno;
	closedir(dir);
	return ret;
}

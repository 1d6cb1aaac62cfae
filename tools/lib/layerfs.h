/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * liblayerfs: mount layerfs and ask the kernel about it.
 *
 * The edge
 * --------
 * - Every function that can fail returns a negative errno, and 0 or more on
 *   success.  Its last argument is a struct layerfs_error, which may be NULL;
 *   on failure it holds the same code and one sentence for a person: what was
 *   attempted, on which option, path or layer, and why it failed.  On success
 *   it is left alone.
 * - The library never prints, never exits and keeps no global state.
 * - Strings that a caller gets inside a struct belong to that struct; each
 *   *_free() takes NULL and a struct that its function failed to fill.
 * - Needs libmnl (kernel state) and libmount (no part of it in this header).
 *
 * The store of imported images has a header of its own, store.h; container
 * records kept beside it are in container.h.
 */
#ifndef _LAYERFS_LIB_H
#define _LAYERFS_LIB_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What leaves the library; everything else is built hidden. */
#define LAYERFS_API __attribute__((visibility("default")))

/* ---- errors ---- */

#define LAYERFS_ERROR_MAX 2048

/**
 * struct layerfs_error - why a call failed
 * @code: negative errno, the same as the return value
 * @msg: one sentence for a person, without a newline at its end
 */
struct layerfs_error {
	int code;
	char msg[LAYERFS_ERROR_MAX];
};

/**
 * layerfs_error_set() - fill an error
 * @err: where to, or NULL
 * @code: negative errno
 * @fmt: printf format of the message
 *
 * Return: @code, so that a failing function can end in it.
 */
LAYERFS_API int layerfs_error_set(struct layerfs_error *err, int code,
				  const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * layerfs_error_sys() - fill an error and append what the errno means
 * @err: where to, or NULL
 * @code: negative errno; ": " and its strerror() end the message
 * @fmt: printf format of the message
 *
 * Return: @code.
 */
LAYERFS_API int layerfs_error_sys(struct layerfs_error *err, int code,
				  const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/**
 * layerfs_error_prefix() - put what was being done in front of a message
 * @err: an error that is already set, or NULL
 * @fmt: printf format of the prefix; ": " is added
 *
 * Return: the error's code (or -EIO when @err is NULL or unset).
 */
LAYERFS_API int layerfs_error_prefix(struct layerfs_error *err,
				     const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* _LAYERFS_LIB_H */

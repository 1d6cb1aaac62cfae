/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Digests: "sha256:<64 lower-case hex digits>", as in OCI descriptors.
 */
#ifndef LAYERFS_DIGEST_H
#define LAYERFS_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define LAYERFS_DIGEST_HEX	64
#define LAYERFS_DIGEST_PREFIX	"sha256:"
#define LAYERFS_DIGEST_SIZE	(sizeof(LAYERFS_DIGEST_PREFIX) + LAYERFS_DIGEST_HEX)

struct evp_md_ctx_st;

/**
 * struct layerfs_hash - a sha256 being computed
 * @ctx: libcrypto's state, freed by layerfs_hash_end() or _abort()
 */
struct layerfs_hash {
	struct evp_md_ctx_st *ctx;
};

int layerfs_hash_start(struct layerfs_hash *hash);
int layerfs_hash_update(struct layerfs_hash *hash, const void *data, size_t len);

/**
 * layerfs_hash_end() - finish, free the state and write the digest
 * @hash: from layerfs_hash_start()
 * @digest: LAYERFS_DIGEST_SIZE bytes, NUL-terminated
 */
int layerfs_hash_end(struct layerfs_hash *hash, char *digest);
void layerfs_hash_abort(struct layerfs_hash *hash);

/** layerfs_digest_of() - the digest of a buffer */
int layerfs_digest_of(const void *data, size_t len, char *digest);

/**
 * layerfs_digest_valid() - exactly the form above
 *
 * What passes is safe as a path component once the prefix is cut off.
 */
bool layerfs_digest_valid(const char *digest);

/** layerfs_digest_hex() - the hex digits of a valid digest */
const char *layerfs_digest_hex(const char *digest);

#endif

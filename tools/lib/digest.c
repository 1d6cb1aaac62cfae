// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>

#include <openssl/evp.h>

#include "digest.h"

#define SHA256_BYTES (LAYERFS_DIGEST_HEX / 2)

int layerfs_hash_start(struct layerfs_hash *hash)
{
	hash->ctx = EVP_MD_CTX_new();
	if (!hash->ctx)
		return -ENOMEM;
	if (!EVP_DigestInit_ex(hash->ctx, EVP_sha256(), NULL)) {
		layerfs_hash_abort(hash);
		return -EIO;
	}
	return 0;
}

int layerfs_hash_update(struct layerfs_hash *hash, const void *data, size_t len)
{
	return EVP_DigestUpdate(hash->ctx, data, len) ? 0 : -EIO;
}

int layerfs_hash_end(struct layerfs_hash *hash, char *digest)
{
	static const char hexdigits[] = "0123456789abcdef";
	unsigned char sum[EVP_MAX_MD_SIZE];
	unsigned int len = 0;
	int ok;

	ok = EVP_DigestFinal_ex(hash->ctx, sum, &len);
	layerfs_hash_abort(hash);
	if (!ok || len != SHA256_BYTES)
		return -EIO;

	digest = stpcpy(digest, LAYERFS_DIGEST_PREFIX);
	for (unsigned int i = 0; i < len; i++) {
		*digest++ = hexdigits[sum[i] >> 4];
		*digest++ = hexdigits[sum[i] & 15];
	}
	*digest = '\0';
	return 0;
}

void layerfs_hash_abort(struct layerfs_hash *hash)
{
	EVP_MD_CTX_free(hash->ctx);
	hash->ctx = NULL;
}

int layerfs_digest_of(const void *data, size_t len, char *digest)
{
	struct layerfs_hash hash;
	int ret;

	ret = layerfs_hash_start(&hash);
	if (ret)
		return ret;
	ret = layerfs_hash_update(&hash, data, len);
	if (ret) {
		layerfs_hash_abort(&hash);
		return ret;
	}
	return layerfs_hash_end(&hash, digest);
}

bool layerfs_digest_valid(const char *digest)
{
	size_t prefix = strlen(LAYERFS_DIGEST_PREFIX);

	return digest && !strncmp(digest, LAYERFS_DIGEST_PREFIX, prefix) &&
	       strlen(digest) == prefix + LAYERFS_DIGEST_HEX &&
	       strspn(digest + prefix, "0123456789abcdef") == LAYERFS_DIGEST_HEX;
}

const char *layerfs_digest_hex(const char *digest)
{
	return digest + strlen(LAYERFS_DIGEST_PREFIX);
}

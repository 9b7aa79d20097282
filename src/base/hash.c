/* SPDX-License-Identifier: MIT */
/* Content hashes; see hash.h. */
#include "base/hash.h"

#include <sodium.h>

void hash_bytes(const void *data, size_t size, uint8_t hash[HASH_SIZE])
{
	crypto_generichash(hash, HASH_SIZE, data, size, NULL, 0);
}

void hash_text(const uint8_t hash[HASH_SIZE], char text[HASH_TEXT_SIZE])
{
	sodium_bin2hex(text, HASH_TEXT_SIZE, hash, HASH_SIZE);
}

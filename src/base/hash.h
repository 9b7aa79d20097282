/* SPDX-License-Identifier: MIT */
/* Content hashes: BLAKE2b with 256 bits (RFC 7693), as libsodium's crypto_generichash makes it. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

enum { HASH_SIZE = 32, HASH_TEXT_SIZE = 2 * HASH_SIZE + 1 };

/* Any thread; no allocation. */
void hash_bytes(const void *data, size_t size, uint8_t hash[HASH_SIZE]);

/* Lower-case hexadecimal with a NUL. */
void hash_text(const uint8_t hash[HASH_SIZE], char text[HASH_TEXT_SIZE]);

#endif

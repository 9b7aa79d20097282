/* SPDX-License-Identifier: MIT */
/* See hash.h. Any thread; docs/OPERATING.md promises these numbers to operators. */
#include "scope/hash.h"

static uint64_t mix(uint64_t hash)
{
	hash ^= hash >> 33;
	hash *= UINT64_C(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64_C(0xc4ceb9fe1a85ec53);
	return hash ^ hash >> 33;
}

uint64_t scope_hash(const char *text)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
	hash = mix(hash);
	return hash > 1 ? hash : hash + 2;
}

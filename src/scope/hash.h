/* SPDX-License-Identifier: MIT */
/* The hash of keys and values of scopes. The same in every process and on every machine. */
#ifndef SCOPE_HASH_H
#define SCOPE_HASH_H

#include <stdint.h>

enum { SCOPE_SHARES = 10000 };

/* FNV-1a with 64 bits over the text, then mixed (the finaliser of MurmurHash3); never 0 or 1. */
uint64_t scope_hash(const char *text);

/* Which ten-thousandth a value falls into: it is in N percent when this is below N * 100. */
static inline unsigned scope_share(uint64_t value)
{
	return (unsigned)(value % SCOPE_SHARES);
}

#endif

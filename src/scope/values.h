/* SPDX-License-Identifier: MIT */
/*
 * The values of scopes that were seen and have not ended: which of them are older than a patch
 * (--new KEY), and how many get which code.
 *
 *	a value is known from its first enter to its end; its stamp says which rules were in force
 *	when it was first seen, and never changes meanwhile
 *
 * Bounded: SCOPE_KNOWN values. While the table is full a further one is not remembered, and counts
 * as older than any patch: it gets the old code.
 *
 * Threads: any. Looking a known value up takes no lock; the first enter and the end of one do.
 */
#ifndef SCOPE_VALUES_H
#define SCOPE_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCOPE_KNOWN = 32768 };

/* Key and sequence of rules in one word, so that they are read together. */
enum { SCOPE_STAMP_SEQUENCE = 40 };

static inline uint64_t scope_stamp(uint64_t key, uint64_t sequence)
{
	return key << SCOPE_STAMP_SEQUENCE | sequence;
}

static inline uint64_t scope_stamp_sequence(uint64_t stamp)
{
	return stamp & ((UINT64_C(1) << SCOPE_STAMP_SEQUENCE) - 1);
}

/* 24 bits of the key: for counting and for waiting, where one more is no harm. */
static inline bool scope_stamp_is_of(uint64_t stamp, uint64_t key)
{
	return (stamp ^ scope_stamp(key, 0)) >> SCOPE_STAMP_SEQUENCE == 0;
}

/*
 * The sequence at which the value was first seen: that of now if it is new; 0 when there is no room
 * to remember it. Hashes of key and value (scope/hash.h).
 */
uint64_t scope_value_see(uint64_t key, uint64_t value, uint64_t now);

/* The value ends: entered again it is a new one. */
void scope_value_end(uint64_t key, uint64_t value);

/* Calls visit for each known value of the key (0: of every key). Under the table's lock. */
void scope_values_visit(uint64_t key, void (*visit)(void *arg, uint64_t value, uint64_t first_seen),
			void *arg);

bool scope_values_full(void);

/* In the child of a fork(): the lock may be held by a thread that does not exist there. */
void scope_values_after_fork(void);

#endif

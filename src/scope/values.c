/* SPDX-License-Identifier: MIT */
/*
 * See values.h. Open addressing, at most half full. Only who holds the lock writes; readers pair
 * their acquire loads of `value` with its release stores.
 */
#include "scope/values.h"

#include <pthread.h>
#include <stdatomic.h>

enum { ROOM = 2 * SCOPE_KNOWN, MASK = ROOM - 1 };
enum { FREE = 0, GONE = 1 /* was in use: a search goes on behind it */ };

struct known {
	_Atomic uint64_t value;
	_Atomic uint64_t stamp; /* written before value */
};

static struct known table[ROOM]; /* pages that nobody used cost nothing */
static _Atomic size_t used;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards writing to the two above */

static size_t start_of(uint64_t key, uint64_t value)
{
	return (size_t)(value ^ key * 31) & MASK;
}

/* The place of a known value, or NULL; then *place is where it would go. */
static struct known *find(uint64_t key, uint64_t value, uint64_t *stamp, struct known **place)
{
	struct known *unused = NULL;
	size_t at = start_of(key, value);

	for (size_t i = 0; i < ROOM; i++, at = (at + 1) & MASK) {
		struct known *known = &table[at];
		uint64_t found = atomic_load_explicit(&known->value, memory_order_acquire);

		if (found == FREE || found == GONE) {
			unused = unused ? unused : known;
			if (found == FREE)
				break;
			continue;
		}
		if (found != value)
			continue;
		*stamp = atomic_load_explicit(&known->stamp, memory_order_acquire);
		/* Still the same: the stamp is this value's. */
		if (scope_stamp_is_of(*stamp, key) &&
		    atomic_load_explicit(&known->value, memory_order_acquire) == value)
			return known;
	}
	if (place)
		*place = unused;
	return NULL;
}

uint64_t scope_value_see(uint64_t key, uint64_t value, uint64_t now)
{
	struct known *place = NULL;
	uint64_t stamp;

	if (find(key, value, &stamp, NULL))
		return scope_stamp_sequence(stamp);
	if (scope_values_full())
		return 0;
	pthread_mutex_lock(&lock);
	if (find(key, value, &stamp, &place)) {
		now = scope_stamp_sequence(stamp);
	} else if (!place || scope_values_full()) {
		now = 0;
	} else {
		atomic_store_explicit(&place->stamp, scope_stamp(key, now), memory_order_release);
		atomic_store_explicit(&place->value, value, memory_order_release);
		atomic_fetch_add_explicit(&used, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&lock);
	return now;
}

/* Nothing lies behind: searches may end here, and at the gaps before. */
static void close_gap(size_t at)
{
	if (atomic_load_explicit(&table[(at + 1) & MASK].value, memory_order_relaxed) != FREE)
		return;
	while (atomic_load_explicit(&table[at].value, memory_order_relaxed) == GONE) {
		atomic_store_explicit(&table[at].value, FREE, memory_order_release);
		at = (at - 1) & MASK;
	}
}

void scope_value_end(uint64_t key, uint64_t value)
{
	struct known *known;
	uint64_t stamp;

	pthread_mutex_lock(&lock);
	known = find(key, value, &stamp, NULL);
	if (known) {
		atomic_store_explicit(&known->value, GONE, memory_order_release);
		close_gap((size_t)(known - table));
		atomic_fetch_sub_explicit(&used, 1, memory_order_relaxed);
	}
	pthread_mutex_unlock(&lock);
}

void scope_values_visit(uint64_t key, void (*visit)(void *arg, uint64_t value, uint64_t first_seen),
			void *arg)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < ROOM; i++) {
		uint64_t value = atomic_load_explicit(&table[i].value, memory_order_relaxed);
		uint64_t stamp = atomic_load_explicit(&table[i].stamp, memory_order_relaxed);

		if (value != FREE && value != GONE && (!key || scope_stamp_is_of(stamp, key)))
			visit(arg, value, scope_stamp_sequence(stamp));
	}
	pthread_mutex_unlock(&lock);
}

bool scope_values_full(void)
{
	return atomic_load_explicit(&used, memory_order_relaxed) >= SCOPE_KNOWN;
}

void scope_values_after_fork(void)
{
	pthread_mutex_init(&lock, NULL);
}

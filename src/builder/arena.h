/* SPDX-License-Identifier: MIT */
/*
 * Memory that lives as long as one build: thousands of small records and names with one owner.
 * Failure is sticky: allocation returns NULL, and arena_check() turns it into an error.
 */
#ifndef BUILDER_ARENA_H
#define BUILDER_ARENA_H

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* owned, newest first */
	bool failed;
};

void arena_fini(struct arena *arena);

/* Zeroed, aligned for any type; NULL when out of memory. Zero elements give a valid pointer. */
void *arena_array(struct arena *arena, size_t count, size_t size);

char *arena_text(struct arena *arena, const char *text);
char *arena_slice(struct arena *arena, const char *text, size_t length);
char *arena_format(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int arena_check(const struct arena *arena, struct suture_error *err);

/*
 * Makes room for one more element in an arena-owned array: returns the array, moved when it had to
 * grow, or NULL. *capacity is kept by the caller, 0 at first.
 */
void *arena_grow(struct arena *arena, void *array, size_t count, size_t *capacity, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/* What stands behind <suture/shadow.h>: one table for the process. Any thread. */
#ifndef AGENT_SHADOW_H
#define AGENT_SHADOW_H

#include <stddef.h>
#include <stdint.h>

/* Once, at the start: a child of fork() finds the table whole, and its lock free. */
void shadow_guard_fork(void);

void *shadow_get(const void *object, uint64_t id);
void *shadow_get_or_alloc(const void *object, uint64_t id, size_t size,
			  int (*construct)(const void *object, void *data, void *arg), void *arg);
void shadow_free(const void *object, uint64_t id, void (*destroy)(const void *object, void *data));
size_t shadow_free_all(uint64_t id, void (*destroy)(const void *object, void *data));

/* How many there are, and the bytes of their data. */
void shadow_usage(size_t *count, size_t *bytes);

/* For tests: frees all data and tables. Nobody may be using them. */
void shadow_fini(void);

#endif

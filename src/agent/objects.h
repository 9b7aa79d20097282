/* SPDX-License-Identifier: MIT */
/*
 * Types whose objects the application enumerates, and one enumeration of them: into memory that was
 * there before, because it happens while threads are stopped.
 *
 * Threads: registering any. Reading the worker.
 */
#ifndef AGENT_OBJECTS_H
#define AGENT_OBJECTS_H

#include <suture/error.h>
#include <suture/objects.h>

#include <stdbool.h>
#include <stdint.h>

/* Once, at the start: a child of fork() finds the list whole, and its lock free. */
void objects_guard_fork(void);

/* how NULL, or without iterate: USAGE. */
int objects_register(const char *type, const struct suture_objects_type *how);

/* A copy of how to enumerate the type; false: nobody registered it. */
bool objects_find(const char *type, struct suture_objects_type *how);

struct object_reference {
	void **where;  /* NULL: not known */
	size_t object; /* index */
};

/* One enumeration. Counts on where there is no more room. */
struct suture_objects {
	void **objects; /* owned; in the order of their first sight */
	size_t count;
	struct object_reference *references; /* owned */
	size_t reference_count;
	size_t room; /* of objects */
	size_t reference_room;
	size_t *places; /* owned: hashed by address, indices + 1 */
	size_t place_mask;
	bool wrong; /* a reference that does not lead to its object */
};

/* Makes room. NO_MEMORY; then there is none. */
int objects_reserve(struct suture_objects *list, size_t objects, size_t references,
		    struct suture_error *err);
void objects_fini(struct suture_objects *list);

/* Enumerates anew. Does it all fit? No allocation. */
bool objects_take_stopped(struct suture_objects *list, suture_objects_iterate *iterate);

/* What iterate calls. */
void objects_yield_stopped(struct suture_objects *list, void *object, void **reference);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Near memory: executable pages within a jump's reach of the code that needs them. Pages are mapped
 * readable and executable, never writable; their contents go in through the writer.
 *
 * Also the register of borrowed bytes: padding that holds a jump, and the bytes behind a punned
 * jump that are part of its displacement. Two trampolines must never depend on the same byte.
 *
 * Threads: the agent's thread, plan phase. A committed island is never freed: a thread may be
 * inside it, and the original may be called through it.
 */
#ifndef TRAMPOLINE_NEAR_H
#define TRAMPOLINE_NEAR_H

#include "trampoline/writer.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct near_span {
	uintptr_t start;
	uintptr_t end;
};

struct near_spans {
	struct near_span *spans; /* owned, sorted, disjoint */
	size_t count;
	size_t capacity;
};

/* An island where threads wait before an entry; see waiting.h. */
struct near_wait {
	uintptr_t place;
	uintptr_t entry;
};

struct near_memory {
	const struct code_writer *writer; /* borrowed */
	struct near_spans chunks;	  /* mapped pages */
	struct near_spans used;		  /* islands in them */
	struct near_spans borrowed;	  /* bytes of the target that trampolines rely on */
	struct near_wait *waits; /* owned; by rising place; for good: a thread may be in one */
	size_t wait_count;
	size_t wait_capacity;
	size_t forced_pages;   /* mapped where the bytes of some code demanded it */
	uintptr_t heap, stack; /* the former's end and the latter's start, see near_look() */
};

void near_memory_init(struct near_memory *near, const struct code_writer *writer);

/*
 * Forgets and unmaps everything: only when nothing was ever committed, or at the end of a test. The
 * agent keeps its near memory for good.
 */
void near_memory_fini(struct near_memory *near);

/*
 * size bytes, aligned to 16, wholly inside [low, high), as close to wanted as there is room.
 * NO_ROOM when no free memory is there.
 */
int near_alloc(struct near_memory *near, uintptr_t low, uintptr_t high, uintptr_t wanted,
	       size_t size, uintptr_t *address, struct suture_error *err);

/* Looks where heap and stack are now: before near_alloc_at() is called, once or often. */
void near_look(struct near_memory *near);

/*
 * The same at exactly that address. Tells by the result whether it was had; no error text. False as
 * well where a page would have to be mapped, and page_limit pages (0: any number) were in this way.
 */
bool near_alloc_at(struct near_memory *near, uintptr_t address, size_t size, size_t page_limit);

/* Gives an island back that was never reachable. */
void near_free(struct near_memory *near, uintptr_t address, size_t size);

/* Puts code into an island. */
int near_write(struct near_memory *near, uintptr_t address, const uint8_t *code, size_t size,
	       struct suture_error *err);

/* False when any byte of it is borrowed already, or memory is short. */
bool near_borrow(struct near_memory *near, uintptr_t start, size_t size);
bool near_is_borrowed(const struct near_memory *near, uintptr_t start, size_t size);
void near_return(struct near_memory *near, uintptr_t start, size_t size);

/* Bytes mapped and bytes in use. */
void near_usage(const struct near_memory *near, size_t *mapped, size_t *in_use);

#endif

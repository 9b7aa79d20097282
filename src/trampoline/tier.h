/* SPDX-License-Identifier: MIT */
/*
 * Which jump fits a function's entry, and what is needed around it. Planning changes no byte of the
 * target: it decides, and builds islands in near memory that nothing reaches yet. edit.h writes.
 *
 * Threads: the agent's thread, plan phase.
 */
#ifndef TRAMPOLINE_TIER_H
#define TRAMPOLINE_TIER_H

#include "arch/arch.h"
#include "trampoline/near.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Best first. */
enum trampoline_tier {
	TRAMPOLINE_NONE,
	TRAMPOLINE_PLAIN,   /* a near jump at the entry */
	TRAMPOLINE_PADDING, /* the same, running into padding behind the function */
	TRAMPOLINE_HOLE,    /* a short jump to padding that holds the near jump */
	TRAMPOLINE_PUN,	    /* the displacement ends in bytes that stay as they are */
};

/* A piece of code other than the function's main part. */
struct trampoline_range {
	uintptr_t address;
	size_t size;
	const uint8_t *code; /* private copy */
};

/* Padding near the entry that no thread can execute; trampoline_padding() finds it. */
struct trampoline_hole {
	uintptr_t address;
	size_t size;
	const uint8_t *code; /* private copy */
};

struct trampoline_target {
	const char *name; /* for messages, may be NULL */
	uintptr_t entry;
	size_t size;
	const uint8_t *code; /* private copy of the function's original bytes */
	/* Parts elsewhere (.cold), and whatever other code may branch into the entry. */
	const struct trampoline_range *cold;
	size_t cold_count;
	/* The bytes right behind the function, as they are in memory; may be NULL with 0. */
	const uint8_t *following;
	size_t following_size;
	size_t padding_after; /* how many of them are padding, by trampoline_padding() */
	/* Padding within 127 bytes of the entry, of this or another function; may be empty. */
	const struct trampoline_hole *holes;
	size_t hole_count;
	/* Addresses inside the function that are reached otherwise: further symbols, landing pads.
	 */
	const uintptr_t *entries;
	size_t entry_count;
	/*
	 * Reads what jump tables hold; false when it can't. Without it a function whose tables
	 * can't be looked at is not patchable by a jump that covers a possible destination.
	 */
	bool (*read)(void *context, uintptr_t address, void *out, size_t size);
	void *read_context;
};

/*
 * One row of an island's unwind table: from offset on, the frame is that of the function's
 * instruction at old_offset (from its entry), with pushed more bytes on the stack.
 */
struct trampoline_row {
	uint16_t offset; /* from trampoline.original */
	uint8_t old_offset;
	uint8_t pushed;
};

struct trampoline {
	enum trampoline_tier tier;
	uintptr_t entry; /* of the function */
	uintptr_t site;	 /* the bytes that change: the entry, or behind its mark (endbr64) */
	uintptr_t replacement;
	uint8_t mark[ARCH_MAX_MARK]; /* the bytes between entry and site */
	uint8_t window_size;	     /* bytes that change at site */
	uint8_t old_bytes[ARCH_MAX_JUMP];
	uint8_t new_bytes[ARCH_MAX_JUMP];
	uint8_t borrowed_size; /* PUN: bytes behind the window that must stay as they are */
	bool holds;	       /* window, borrowed bytes and hole are registered in near memory */

	/* HOLE: the padding that holds the near jump; 0 otherwise. Written with the site. */
	uintptr_t hole;
	uint8_t hole_size;
	uint8_t hole_old[ARCH_MAX_JUMP];
	uint8_t hole_new[ARCH_MAX_JUMP];

	/* Where the jump leads when not straight to the replacement: a far jump in near memory. */
	uintptr_t hop;
	size_t hop_size;

	/* Callable copy of the old function, in near memory; 0 when there can't be one: why_not
	 * says. */
	uintptr_t original;
	size_t original_size;
	enum arch_reason why_not;
	uint8_t row_count;
	struct trampoline_row rows[ARCH_MAX_ROWS];
};

/*
 * Decides the tier and builds what it needs. `near` may be NULL: then only the tier is decided, as
 * if memory were free everywhere, and no island is made (suture check --all-functions).
 * UNPATCHABLE_ENTRY with the reason of every tier, NO_ROOM, or what the writer says. A tier whose
 * displaced instructions can be relocated is preferred to a better one whose can't.
 *
 * A site that is redirected already is not planned again but retargeted.
 */
int trampoline_plan(const struct trampoline_target *target, uintptr_t replacement,
		    struct near_memory *near, struct trampoline *out, struct suture_error *err);

/*
 * The trampoline for the next version of a function whose trampoline `current` is in place: the
 * same tier, window and original, another replacement. code_edit_set_add_change() writes the
 * difference. Only one of the two may be discarded or retired in the end: the one that was in place
 * last.
 */
int trampoline_retarget(const struct trampoline *current, uintptr_t replacement,
			struct near_memory *near, struct trampoline *out, struct suture_error *err);

/* Gives back islands and bytes of a plan, never committed, that trampoline_plan() made. */
void trampoline_discard(struct trampoline *trampoline, struct near_memory *near);

/* After a revert: the bytes of the target are free for others. Islands stay for good. */
void trampoline_retire(struct trampoline *trampoline, struct near_memory *near);

/*
 * Where a gated commit closes the function: on the entry mark where the processor permits that,
 * else at the site. Every thread is before this address or has begun the function.
 */
uintptr_t trampoline_gate(const struct trampoline *trampoline);

/* "plain", "padding", "hole", "pun", "none". Static storage. */
const char *trampoline_tier_name(enum trampoline_tier tier);

/*
 * How many of the `following` bytes behind a function are padding that no thread can run. following
 * must end where the next symbol or the section does. 0 when the function may run on into it, as
 * it does when its last instruction is a call.
 */
size_t trampoline_padding(const uint8_t *code, size_t size, uintptr_t entry,
			  const uint8_t *following, size_t following_size);

/* A struct trampoline_target.read for code in this process; context is a struct code_writer. */
bool trampoline_read_self(void *writer, uintptr_t address, void *out, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a reference of the patch is bound to: the patch's own new things and private contents, else
 * what the target has. A replaced function is referred to through its original entry, so that
 * function pointers compare equal and a later patch is seen; only a function's own parts are the
 * patch's.
 */
#ifndef BUILDER_BIND_H
#define BUILDER_BIND_H

#include "session.h"

enum bound_kind {
	BOUND_OWN,     /* in this unit's part of the patch */
	BOUND_UNIT,    /* new in another unit of the patch: by its global name */
	BOUND_TARGET,  /* at a proven address of the target */
	BOUND_IMPORT,  /* what the loader finds for the target */
	BOUND_NOTHING, /* metadata that the patch drops */
	BOUND_REFUSED,
};

struct bound {
	enum bound_kind kind;
	struct reference reference;
	uint64_t address;    /* TARGET; thread-local: offset in the block */
	unsigned below;	     /* TARGET: 1 + index of the patch below that has it; 0: the binary */
	const char *name;    /* for messages and imports */
	const char *version; /* IMPORT: or NULL */
	struct unit *unit;   /* UNIT */
	struct part *part;   /* UNIT: what is meant there */
	bool tls;
	bool weak;
	bool function;
	bool indirect;	  /* TARGET: address of a resolver */
	const char *why;  /* REFUSED: one clause */
	const char *next; /* REFUSED: what to do, or NULL */
};

struct bound bind_reference(struct session *session, struct unit *unit, uint32_t section,
			    const struct object_reloc *reloc);

/* In O: what a unit had for itself alone under a name that P looks for elsewhere, or NULL. */
const struct part *bind_taken_out(const struct unit *unit, const char *name);

#endif

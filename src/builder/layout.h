/* SPDX-License-Identifier: MIT */
/*
 * The layout gate: a patch whose code sees a type otherwise than the objects that live in the
 * process were made by is refused. Types are taken from the debug information of O and P and paired
 * by scope and name.
 */
#ifndef BUILDER_LAYOUT_H
#define BUILDER_LAYOUT_H

#include "builder/refusal.h"
#include "builder/strings.h"

#include <suture/error.h>

#include <stddef.h>

/* What is the same for all units of a build. */
struct layout_gate {
	const char *const
		*accepted; /* types whose layout may change: "player" or "struct player" */
	size_t accepted_count;
	struct strings exports;	 /* functions that other modules may call: signature_exports() */
	struct strings reported; /* types that have a refusal already */
	struct strings notes;	 /* what the user should know though it is not refused */
};

/* A unit's objects. */
struct layout_objects {
	const char *old; /* with DWARF */
	const char *new;
	const char *code; /* as it runs: it may take addresses that `old` does not */
	const char *unit;
};

/*
 * Compares all types that both objects know. Harmless: added and removed types, renamed members,
 * members added where there was padding, added enumerators.
 */
int layout_compare(struct layout_gate *gate, const struct layout_objects *objects,
		   struct refusals *refusals, struct suture_error *err);

void layout_gate_fini(struct layout_gate *gate);

#endif

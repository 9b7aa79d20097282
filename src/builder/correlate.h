/* SPDX-License-Identifier: MIT */
/*
 * Who is who: pairs the parts of O with those of P, and gives O's parts their proven addresses from
 * V. Identity comes from linkage names where these are the program's own, else from DWARF (function
 * and line of the declaration), else from being the only one of that name. Never from order.
 */
#ifndef BUILDER_CORRELATE_H
#define BUILDER_CORRELATE_H

#include "part.h"
#include "proof.h"
#include "refusal.h"

/* Sets twin in both sets; parts that can't be told apart get `unpaired`. */
int correlate_parts(struct arena *arena, struct part_set *original, struct part_set *patched,
		    struct suture_error *err);

/*
 * Sets target of O's parts from the proof. A function that only one of O and V has is a refusal:
 * the section flags or -g changed what the compiler did.
 */
int correlate_proof(struct arena *arena, struct part_set *original, const struct proof *proof,
		    const char *source, struct refusals *refusals, struct suture_error *err);

#endif

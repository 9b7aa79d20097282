/* SPDX-License-Identifier: MIT */
/*
 * Verification by placement: every section of V lies in the binary as one block. Symbols anchor the
 * first blocks, their relocations lead to the others, and every byte and every reference is
 * compared. What does not agree is a refusal: wrong flags, wrong compiler, wrong tree.
 */
#ifndef BUILDER_VERIFY_H
#define BUILDER_VERIFY_H

#include "core.h"
#include "proof.h"

/*
 * Fills *proof, adds to *verified and, on disagreement, to *refusals. v_path is for messages. That
 * nothing of the unit is there (proof->nowhere) is the caller's to judge.
 * Returns an error only when out of memory.
 */
int verify_unit(struct arena *arena, const struct binary *binary, const struct object *v,
		const char *source, struct proof *proof, struct core_verified *verified,
		struct refusals *refusals, struct suture_error *err);

/*
 * The same for an object file, without a word: what is not as it runs proves nothing. proof->object
 * is NULL for one that can't be compared (LTO, another machine). Else errors are of reading it.
 */
int verify_object(struct arena *arena, const struct binary *binary, const char *path,
		  struct proof *proof, struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the author of a diff asks for by the macros of <suture/patch.h>: hooks, originals, functions
 * that must be idle. The macros leave notes in sections of P that are never linked; those that
 * stand in O too do not belong to the diff.
 */
#ifndef BUILDER_AUTHOR_H
#define BUILDER_AUTHOR_H

#include "session.h"

/* Reads the unit's notes into the session, with a refusal for each that can't be honoured. After
 * the comparison. */
int author_read(struct session *session, struct unit *unit);

/* Is the part of P a slot of SUTURE_ORIGINAL()? It is no variable of the program. */
bool author_is_slot(const struct unit *unit, const struct part *part);

/* "pre_apply" for FORMAT_HOOK_PRE_APPLY. Static storage. */
const char *author_hook_name(uint32_t kind);

#endif

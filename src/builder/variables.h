/* SPDX-License-Identifier: MIT */
/*
 * New writable variables of the patch, as a successor recognises them: by owner and name, with the
 * layout of their type; and which constructor makes which.
 */
#ifndef BUILDER_VARIABLES_H
#define BUILDER_VARIABLES_H

#include "session.h"

/* Fills the session's variables and constructs; after needs_close(). */
int variables_find(struct session *session);

/* The variable that the part of a unit's P is, or NULL. */
struct variable *variables_of(const struct session *session, const struct part *part);

#endif

/* SPDX-License-Identifier: MIT */
/* Function-local statics that their first call constructs, each behind a guard of its own. */
#ifndef BUILDER_GUARDS_H
#define BUILDER_GUARDS_H

#include "session.h"

/*
 * Says for each function of the unit that changes which of its statics it constructs in another
 * way now: those that are constructed already stay as they are.
 */
void guards_note(struct session *session, const struct unit *unit);

#endif

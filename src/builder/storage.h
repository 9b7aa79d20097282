/* SPDX-License-Identifier: MIT */
/*
 * Compilers do with local variables what the unit at hand allows: take structures apart, put a
 * value that never changes into the code, store one that has two values as a truth value, drop what
 * nobody reads. An edit can change what is allowed. Where the patched code then holds a variable in
 * another form than the running code, its value would be lost without a word: refused.
 */
#ifndef BUILDER_STORAGE_H
#define BUILDER_STORAGE_H

#include "session.h"

/* After the closure: is each variable that the patch brings really new? */
int storage_check_new(struct session *session, struct unit *unit);

/* Variables of the binary that the changed code of P has in another form, or no more. */
int storage_check_old(struct session *session, struct unit *unit);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The gate for the types of variables that live on: the patch's code would read what the old code
 * has left there as something else. Types of one name are compared by the layout gate; here a
 * variable gets a type of another name, or code sees such a declaration of it. Qualifiers and
 * typedefs do not matter, nor variables that the patch's code does not use. One whose initial value
 * is kept or set by decision is let through, with a note if it is kept.
 */
#ifndef BUILDER_RETYPED_H
#define BUILDER_RETYPED_H

#include "session.h"

/* After needs_close(). */
int retyped_check(struct session *session);

#endif

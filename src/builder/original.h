/* SPDX-License-Identifier: MIT */
/*
 * Is O what V is? V is proven against the binary; O is what P is compared with. Only when every
 * function and variable of O means the same as V's do the section flags and -g have changed
 * nothing, and O and P come from the sources that the binary was made from.
 */
#ifndef BUILDER_ORIGINAL_H
#define BUILDER_ORIGINAL_H

#include "session.h"

/* Splits V, compares it with O's parts and adds refusals that name what differs. Before pairing. */
int original_check(struct session *session, struct unit *unit);

/*
 * Sets twin of functions and variables of the same name, in two compilations of the same source.
 * Negative: no memory.
 */
int original_pair(struct arena *arena, struct part_set *left, struct part_set *right);

#endif

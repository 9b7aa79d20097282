/* SPDX-License-Identifier: MIT */
/*
 * The code by which a function constructs one of its statics: what lies between the call that
 * takes the static's guard and the one that says that it is done.
 */
#ifndef BUILDER_MAKING_H
#define BUILDER_MAKING_H

#include "compare.h"

/*
 * Do a function and its twin construct the static of that guard alike? Another place for the code
 * is no difference; other registers are one. False as well where the code can't be told.
 */
bool making_same(struct comparer *comparer, const struct part *guard, const struct part *function);

#endif

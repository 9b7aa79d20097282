/* SPDX-License-Identifier: MIT */
/*
 * Keeps line numbers: `#line` directives in a patched file give every line the number that it
 * should have (numbers.h), so that __LINE__ does not change in functions that nobody edited.
 */
#ifndef BUILDER_LINES_H
#define BUILDER_LINES_H

#include "builder/numbers.h"

#include "base/bytes.h"

#include <suture/error.h>

/*
 * Writes the text with directives to *out, so that each line has its number. A directive stands
 * only where one may: on a line of its own outside comments, strings, continued lines and round
 * brackets.
 */
int lines_keep(const struct numbers *numbers, const char *text, size_t size, struct bytes *out,
	       struct suture_error *err);

#endif

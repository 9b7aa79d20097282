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
 * Writes the patched text with directives to *out. A directive stands only where one may: on a line
 * of its own outside comments, strings, continued lines and round brackets. Where the original
 * numbers its lines by #line itself, its numbering is continued. `base` is numbers_base() of the
 * original, or 0: then added lines get whatever the compiler counts.
 */
int lines_keep(size_t base, const char *old_text, size_t old_size, const char *new_text,
	       size_t new_size, const struct hunks *hunks, struct bytes *out,
	       struct suture_error *err);

#endif

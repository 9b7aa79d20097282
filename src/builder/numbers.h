/* SPDX-License-Identifier: MIT */
/*
 * The number that each line of a patched text should have: lines of the original keep theirs, and
 * lines that a diff adds get numbers that no line of the original has. So __LINE__ stays as
 * compiled where nobody edited, and a static variable in added code is never taken for one that
 * stood at the same line before.
 */
#ifndef BUILDER_NUMBERS_H
#define BUILDER_NUMBERS_H

#include "builder/hunks.h"
#include "builder/lexer.h"

#include <suture/error.h>

#include <stddef.h>

struct numbers {
	size_t *wanted; /* owned: by line of the patched text, from 0; 0: any will do */
	size_t count;
};

/*
 * `base` is numbers_base() of the original. `before`: the numbers that the original's lines have
 * by another diff below; NULL: as its text says.
 */
int numbers_init(struct numbers *numbers, size_t base, const struct numbers *before,
		 const char *old_text, size_t old_size, const char *new_text, size_t new_size,
		 const struct hunks *hunks, struct suture_error *err);
void numbers_fini(struct numbers *numbers);

/*
 * A round number above all numbers in use: line 7 of the patched text, when added, is base + 7.
 * 0 where there is none; then added lines have no numbers of their own.
 */
size_t numbers_base(const char *old_text, size_t old_size, const struct numbers *before);

/* The line of the patched file that a number stands for; others are what they say. */
static inline size_t numbers_real(size_t base, size_t number)
{
	return base && number > base ? number - base : number;
}

/* Number in the `#line N` or `# N "file"` whose '#' token was just taken; 0: another directive. */
size_t numbers_directive(struct lexer *lexer);

#endif

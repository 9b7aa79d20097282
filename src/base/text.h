/* SPDX-License-Identifier: MIT */
/* UTF-8: where its characters end, so that nothing is cut in the middle of one. No allocation. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stddef.h>

/* Bytes of the well-formed character at text, 1 to 4; 0: there is none. */
size_t text_char(const char *text);

/*
 * How many bytes of text are whole characters within the first size: a precision for "%.*s".
 * What is no UTF-8 is cut anywhere.
 */
int text_fit(const char *text, size_t size);

/* The text in that buffer was cut off by its size: takes off the rest of a character at its end. */
void text_mend(char *text);

/* For terminals and tables: what is no text, or would steer a terminal, becomes '?'; tabs blanks.
 */
void text_make_printable(char *text);

#endif

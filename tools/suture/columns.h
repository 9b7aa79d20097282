/* SPDX-License-Identifier: MIT */
/* How wide a text is on a terminal: letters of other scripts take several bytes and up to two
 * columns. */
#ifndef CLI_COLUMNS_H
#define CLI_COLUMNS_H

#include <stddef.h>

/* Columns that text takes; bytes where the locale knows no better. */
size_t columns_of(const char *text);

/* How many bytes of text are whole characters within so many columns: a precision for "%.*s". */
int columns_fit(const char *text, size_t columns);

#endif

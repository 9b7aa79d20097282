/* SPDX-License-Identifier: MIT */
/* Tables of text on stdout, cut to the terminal's width (80 columns where there is none). */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

/* TABLE_NAME: is cut as well, but 16 bytes of it stay. TABLE_WRAP goes on in the next line. */
enum table_kind { TABLE_PLAIN, TABLE_RIGHT, TABLE_CUT, TABLE_NAME, TABLE_WRAP };

struct table_column {
	const char *title; /* NULL ends the list */
	enum table_kind kind;
};

struct table;

/* NULL without memory; the others then do nothing. */
struct table *table_create(const struct table_column *columns);

/* One cell per column, copied; NULL cells are empty. Control characters become '?', mangled names
 * readable. */
void table_add(struct table *table, const char *const *cells);

/* Prints and frees. */
void table_print(struct table *table);

#endif

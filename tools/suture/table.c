/* SPDX-License-Identifier: MIT */
/* Tables by libsmartcols; see table.h. */
#include "cli/table.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TABLE_WIDTH = 80 };

struct table {
	struct libscols_table *scols;
	size_t columns;
};

static size_t width(void)
{
	struct winsize size;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return TABLE_WIDTH;
}

struct table *table_create(const struct table_column *columns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->scols = scols_new_table();
	if (!table->scols) {
		free(table);
		return NULL;
	}
	scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_ALWAYS);
	scols_table_set_termwidth(table->scols, width());
	scols_table_enable_minout(table->scols, 1);
	scols_table_set_column_separator(table->scols, "  ");
	for (; columns[table->columns].title; table->columns++) {
		enum table_kind kind = columns[table->columns].kind;
		int flags = kind == TABLE_RIGHT ? SCOLS_FL_RIGHT
			    : kind == TABLE_CUT ? SCOLS_FL_TRUNC
						: 0;

		scols_table_new_column(table->scols, columns[table->columns].title, 0, flags);
	}
	return table;
}

void table_add(struct table *table, const char *const *cells)
{
	struct libscols_line *line = table ? scols_table_new_line(table->scols, NULL) : NULL;

	for (size_t i = 0; line && i < table->columns; i++) {
		char *copy = strdup(cells[i] ? cells[i] : "");

		for (char *at = copy; at && *at; at++)
			if ((unsigned char)*at < 0x20 || *at == 0x7f)
				*at = '?';
		if (copy)
			scols_line_refer_data(line, i, copy);
	}
}

void table_print(struct table *table)
{
	if (!table)
		return;
	fflush(stdout);
	scols_table_set_stream(table->scols, stdout);
	scols_print_table(table->scols);
	scols_unref_table(table->scols);
	free(table);
}

/* SPDX-License-Identifier: MIT */
/* Tables by libsmartcols; see table.h. */
#include "cli/table.h"

#include "base/text.h"
#include "cli/columns.h"

#include "binary/readable.h"

#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { NO_WIDTH = 1 << 20, NAME_KEEPS = 16, NO_NAME = 99 };

struct table {
	struct libscols_table *scols;
	size_t columns;
	size_t name;	/* which column is one of names; NO_NAME: none */
	size_t longest; /* name, in columns of the terminal */
};

/* The terminal's. Logs and pipes get everything, unless COLUMNS says how wide they are. */
static size_t width(void)
{
	const char *columns = getenv("COLUMNS");
	long wanted = columns ? strtol(columns, NULL, 10) : 0;
	struct winsize size;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return wanted > 0 && wanted < NO_WIDTH ? (size_t)wanted : NO_WIDTH;
}

struct table *table_create(const struct table_column *columns)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table)
		return NULL;
	table->name = NO_NAME;
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
		int flags = kind == TABLE_RIGHT			      ? SCOLS_FL_RIGHT
			    : kind == TABLE_CUT || kind == TABLE_NAME ? SCOLS_FL_TRUNC
			    : kind == TABLE_WRAP		      ? SCOLS_FL_WRAP
								      : 0;

		scols_table_new_column(table->scols, columns[table->columns].title, 0, flags);
		if (kind == TABLE_NAME)
			table->name = table->columns;
	}
	return table;
}

void table_add(struct table *table, const char *const *cells)
{
	struct libscols_line *line = table ? scols_table_new_line(table->scols, NULL) : NULL;

	for (size_t i = 0; line && i < table->columns; i++) {
		char *copy = readable_text(cells[i] ? cells[i] : "");

		if (!copy)
			continue;
		text_make_printable(copy);
		if (i == table->name && columns_of(copy) > table->longest)
			table->longest = columns_of(copy);
		scols_line_refer_data(line, i, copy);
	}
}

/* No column is cut to less than its title. */
static void widen_title(struct table *table)
{
	struct libscols_column *column = scols_table_get_column(table->scols, table->name);
	struct libscols_cell *title = column ? scols_column_get_header(column) : NULL;
	char text[NAME_KEEPS + 1];

	if (!title)
		return;
	snprintf(text, sizeof(text), "%-*s",
		 table->longest < NAME_KEEPS ? (int)table->longest : NAME_KEEPS,
		 scols_cell_get_data(title));
	scols_cell_set_data(title, text);
}

void table_print(struct table *table)
{
	if (!table)
		return;
	widen_title(table);
	fflush(stdout);
	scols_table_set_stream(table->scols, stdout);
	scols_print_table(table->scols);
	scols_unref_table(table->scols);
	free(table);
}

/* SPDX-License-Identifier: MIT */
/*
 * A buffer that grows to what one line may take and no further. Each byte is looked at once for
 * its newline, however small the pieces are that it comes in.
 */
#include "rpc/lines.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_PIECE = 16 << 10 };

void rpc_lines_init(struct rpc_lines *lines, size_t limit)
{
	*lines = (struct rpc_lines){.limit = limit};
}

void rpc_lines_fini(struct rpc_lines *lines)
{
	free(lines->data);
	*lines = (struct rpc_lines){.limit = lines->limit};
}

static void move_to_front(struct rpc_lines *lines)
{
	if (lines->start == 0)
		return;
	memmove(lines->data, lines->data + lines->start, lines->end - lines->start);
	lines->scanned -= lines->start;
	lines->end -= lines->start;
	lines->start = 0;
}

char *rpc_lines_room(struct rpc_lines *lines, size_t *size)
{
	size_t wanted;
	char *grown;

	move_to_front(lines);
	if (lines->capacity - lines->end < LINES_PIECE / 4) {
		wanted = lines->capacity < 4096 ? 4096 : lines->capacity * 2;
		if (wanted > lines->limit + LINES_PIECE)
			wanted = lines->limit + LINES_PIECE;
		if (wanted > lines->capacity) {
			grown = realloc(lines->data, wanted);
			if (!grown)
				return NULL;
			lines->data = grown;
			lines->capacity = wanted;
		}
	}
	/* Full: only when the caller did not take the lines, or went on after one too long. */
	if (lines->end == lines->capacity)
		return NULL;
	*size = lines->capacity - lines->end;
	if (*size > LINES_PIECE)
		*size = LINES_PIECE;
	return lines->data + lines->end;
}

void rpc_lines_added(struct rpc_lines *lines, size_t size)
{
	lines->end += size;
}

int rpc_lines_next(struct rpc_lines *lines, char **line, size_t *length, struct suture_error *err)
{
	size_t from = lines->scanned > lines->start ? lines->scanned : lines->start;
	char *newline = NULL;
	size_t found;

	if (from < lines->end)
		newline = memchr(lines->data + from, '\n', lines->end - from);
	found = newline ? (size_t)(newline - lines->data) : lines->end;
	if (found - lines->start > lines->limit)
		return error_set(err, SUTURE_E_PROTOCOL, "a line is longer than %zu bytes",
				 lines->limit);
	if (!newline) {
		lines->scanned = lines->end;
		return 0;
	}
	*line = lines->data + lines->start;
	*length = found - lines->start;
	lines->start = found + 1;
	lines->scanned = lines->start;
	if (*length && (*line)[*length - 1] == '\r')
		(*length)--;
	(*line)[*length] = '\0';
	return 1;
}

size_t rpc_lines_partial(const struct rpc_lines *lines)
{
	return lines->end - lines->start;
}

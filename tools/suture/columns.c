/* SPDX-License-Identifier: MIT */
/* See columns.h. */
#include "cli/columns.h"

#include <stdint.h>
#include <string.h>
#include <wchar.h>

/* Bytes of the character at text, and its columns. Never nothing, unless the text ends there. */
static size_t next(const char *text, mbstate_t *state, size_t *columns)
{
	wchar_t character;
	size_t length = mbrtowc(&character, text, strlen(text), state);
	int width = length == (size_t)-1 || length == (size_t)-2 ? -1 : wcwidth(character);

	*columns = width < 0 ? 1 : (size_t)width;
	if (length != (size_t)-1 && length != (size_t)-2)
		return length;
	memset(state, 0, sizeof(*state));
	return 1;
}

static size_t fit(const char *text, size_t most, size_t *columns)
{
	mbstate_t state = {0};
	size_t at = 0, width;

	*columns = 0;
	while (text[at]) {
		size_t length = next(text + at, &state, &width);

		if (*columns + width > most)
			break;
		*columns += width;
		at += length;
	}
	return at;
}

size_t columns_of(const char *text)
{
	size_t columns;

	fit(text, SIZE_MAX / 2, &columns);
	return columns;
}

int columns_fit(const char *text, size_t columns)
{
	size_t taken;

	return (int)fit(text, columns, &taken);
}

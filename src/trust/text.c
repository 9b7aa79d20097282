/* SPDX-License-Identifier: MIT */
/* Lines of key and signature files; see text.h. */
#include "trust/text.h"

#include <sodium.h>
#include <string.h>

bool text_next_line(const char **text, size_t *size, struct text_line *line)
{
	const char *end;
	size_t length;

	if (*size == 0)
		return false;
	end = memchr(*text, '\n', *size);
	length = end ? (size_t)(end - *text) : *size;
	*line = (struct text_line){.at = *text, .length = length};
	*size -= end ? length + 1 : length;
	*text += end ? length + 1 : length;
	if (line->length && line->at[line->length - 1] == '\r')
		line->length--;
	return true;
}

bool text_begins(const struct text_line *line, const char *prefix)
{
	size_t length = strlen(prefix);

	return line->length >= length && memcmp(line->at, prefix, length) == 0;
}

bool text_base64(const struct text_line *line, uint8_t *bytes, size_t size)
{
	const char *end = NULL;
	size_t got = 0;

	return sodium_base642bin(bytes, size, line->at, line->length, NULL, &got, &end,
				 sodium_base64_VARIANT_ORIGINAL) == 0 &&
	       got == size && end == line->at + line->length;
}

/* SPDX-License-Identifier: MIT */
/* UTF-8; see text.h. */
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

enum { LONGEST = 4 };

static bool goes_on(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

/* What a character that begins like this takes; 0: none does. */
static size_t length_of(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

size_t text_char(const char *text)
{
	unsigned char first = (unsigned char)text[0], second;
	size_t length = length_of(first);

	if (length < 2)
		return length;
	/* No overlong forms, no surrogates, nothing above U+10FFFF. */
	second = (unsigned char)text[1];
	if (second < (first == 0xe0   ? 0xa0
		      : first == 0xf0 ? 0x90
				      : 0x80) ||
	    second > (first == 0xed   ? 0x9f
		      : first == 0xf4 ? 0x8f
				      : 0xbf))
		return 0;
	for (size_t i = 2; i < length; i++)
		if (!goes_on(text[i]))
			return 0;
	return length;
}

/* Where the last character of the first `end` bytes begins. */
static size_t last_begins(const char *text, size_t end)
{
	size_t at = end - 1;

	while (at > 0 && end - at < LONGEST && goes_on(text[at]))
		at--;
	return at;
}

int text_fit(const char *text, size_t size)
{
	size_t length = strnlen(text, size), at;

	if (length == 0 || text[length] == '\0' || !goes_on(text[length]))
		return (int)length;
	at = last_begins(text, length);
	return (int)(text_char(text + at) > length - at ? at : length);
}

void text_mend(char *text)
{
	size_t length = strlen(text), at;

	if (length == 0)
		return;
	at = last_begins(text, length);
	if (length_of((unsigned char)text[at]) > length - at)
		text[at] = '\0';
}

void text_make_printable(char *text)
{
	while (*text) {
		size_t length = text_char(text);
		bool steers = (unsigned char)*text < 0x20 || *text == 0x7f ||
			      (length == 2 && (unsigned char)text[0] == 0xc2 &&
			       (unsigned char)text[1] < 0xa0); /* U+0080 to U+009F */

		if (length == 0)
			length = 1, steers = true;
		if (*text == '\t')
			*text = ' ';
		else if (steers)
			memset(text, '?', length);
		text += length;
	}
}

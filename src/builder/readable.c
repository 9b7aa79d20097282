/* SPDX-License-Identifier: MIT */
/* See readable.h. The mangling of names is that of the Itanium C++ ABI, 5.1: they begin with _Z. */
#include "readable.h"

#include "base/file.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char *__cxa_demangle(const char *mangled, char *buffer, size_t *size, int *status);

/* Of a symbol: compilers add parts with dots to names. */
static bool is_part(char byte)
{
	return isalnum((unsigned char)byte) || byte == '_' || byte == '.' || byte == '$';
}

static size_t symbol_length(const char *text)
{
	size_t length = 0;

	while (is_part(text[length]))
		length++;
	while (length && text[length - 1] == '.') /* the end of a sentence */
		length--;
	return length;
}

/*
 * The code of a coroutine, as gcc calls it, takes the coroutine's frame, and its class is called by
 * the coroutine:
 *
 *	_Z4stepPZ4stepiE14_Z4stepi.Frame.actor	step(step(int)::_Z4stepi.Frame*) [clone .actor]
 *	         _Z4stepi.actor			step(int) [clone .actor]
 *
 * The second one, or the symbol itself where it is of another kind.
 */
static char *coroutine_of(const char *symbol)
{
	static const char frame[] = ".Frame";
	const char *end = strstr(symbol, frame);
	const char *rest = end ? end + strlen(frame) : symbol;
	char *name = NULL;

	for (const char *at = symbol + 1; end && (at = strstr(at, "_Z")) && at < end; at += 2) {
		const char *digits = at;

		while (digits > symbol && isdigit((unsigned char)digits[-1]))
			digits--;
		if (digits == at || strtoul(digits, NULL, 10) != (size_t)(rest - at))
			continue;
		if (asprintf(&name, "%.*s%s", (int)(end - at), at, rest) < 0)
			name = NULL;
		return name;
	}
	return strdup(symbol);
}

static char *demangle(const char *text, size_t length)
{
	cleanup_memory char *symbol = strndup(text, length);
	cleanup_memory char *name = symbol ? coroutine_of(symbol) : NULL;

	return name ? __cxa_demangle(name, NULL, NULL, NULL) : NULL;
}

/* What begins here, made readable, and how many bytes of the text it takes the place of. */
static char *name_at(const char *start, const char *text, size_t *length)
{
	char *name;

	if (strncmp(text, "_Z", 2) != 0 || (text > start && is_part(text[-1])))
		return NULL;
	*length = symbol_length(text);
	name = demangle(text, *length);
	if (name && strchr(name, '(') && strncmp(text + *length, "()", 2) == 0)
		*length += 2;
	return name;
}

char *readable_text(const char *text)
{
	char *result = NULL;
	size_t size;
	FILE *out = strstr(text, "_Z") ? open_memstream(&result, &size) : NULL;

	if (!out)
		return strdup(text);
	for (const char *at = text; *at;) {
		size_t length = 1;
		cleanup_memory char *name = name_at(text, at, &length);

		if (name)
			fputs(name, out);
		else
			fputc(*at, out);
		at += name ? length : 1;
	}
	fclose(out);
	return result;
}

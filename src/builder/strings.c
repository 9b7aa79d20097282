/* SPDX-License-Identifier: MIT */
/* Lists of owned strings; see strings.h. */
#include "builder/strings.h"

#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void strings_fini(struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct strings){0};
}

void strings_take(struct strings *list, char *text)
{
	if (!text) {
		list->failed = true;
		return;
	}
	if (list->count + 1 >= list->capacity) {
		size_t capacity = list->capacity ? 2 * list->capacity : 8;
		char **items = reallocarray(list->items, capacity, sizeof(*items));

		if (!items) {
			list->failed = true;
			free(text);
			return;
		}
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = text;
	list->items[list->count] = NULL;
}

void strings_add(struct strings *list, const char *text)
{
	strings_take(list, strdup(text));
}

void strings_add_part(struct strings *list, const char *text, size_t length)
{
	strings_take(list, strndup(text, length));
}

void strings_add_format(struct strings *list, const char *fmt, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&text, fmt, args) < 0)
		text = NULL;
	va_end(args);
	strings_take(list, text);
}

void strings_add_all(struct strings *list, const struct strings *from)
{
	for (size_t i = 0; i < from->count; i++)
		strings_add(list, from->items[i]);
	list->failed |= from->failed;
}

bool strings_contain(const struct strings *list, const char *text)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], text) == 0)
			return true;
	return false;
}

void strings_add_once(struct strings *list, const char *text)
{
	if (!strings_contain(list, text))
		strings_add(list, text);
}

static int compare_texts(const void *left, const void *right)
{
	return strcmp(*(char *const *)left, *(char *const *)right);
}

void strings_sort(struct strings *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare_texts);
}

bool strings_contain_sorted(const struct strings *list, const char *text)
{
	return list->count &&
	       bsearch(&text, list->items, list->count, sizeof(*list->items), compare_texts);
}

/* Copies one quoted run to word; *from is behind the opening quote and ends behind the closing. */
static bool split_quoted(struct bytes *word, const char **from, char quote, bool escapes_in_single)
{
	const char *at = *from;

	for (; *at && *at != quote; at++) {
		/* Within double quotes a shell's backslash stands for itself before most
		 * characters. */
		if (*at == '\\' && at[1] &&
		    (escapes_in_single || (quote == '"' && strchr("\"\\$`\n", at[1])))) {
			at++;
			if (*at == '\n')
				continue;
		}
		bytes_add(word, at, 1);
	}
	*from = *at ? at + 1 : at;
	return *at == quote;
}

bool strings_split(struct strings *list, const char *text, bool response_file)
{
	const char *at = text;

	for (;;) {
		struct bytes word = {0};
		bool closed = true;

		at += strspn(at, " \t\r\n\v\f");
		if (!*at)
			return true;
		while (closed && *at && !strchr(" \t\r\n\v\f", *at)) {
			char byte = *at++;

			if (byte == '\'' || byte == '"') {
				closed = split_quoted(&word, &at, byte, response_file);
				continue;
			}
			if (byte == '\\' && *at)
				byte = *at++;
			if (byte != '\n')
				bytes_add(&word, &byte, 1);
		}
		bytes_add(&word, "", 1);
		if (!bytes_ok(&word))
			list->failed = true;
		else
			strings_add(list, (const char *)word.data);
		bytes_fini(&word);
		if (!closed)
			return false;
	}
}

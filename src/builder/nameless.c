/* SPDX-License-Identifier: MIT */
/* See nameless.h. */
#include "builder/nameless.h"

#include <stddef.h>
#include <string.h>

/* As gcc and clang begin them; "(anonymous namespace)" is none. */
static const char *const words[] = {"<lambda",
				    "(lambda at ",
				    "<unnamed ",
				    "(unnamed ",
				    "(anonymous struct at ",
				    "(anonymous class at ",
				    "(anonymous union at ",
				    "(anonymous enum at "};

static size_t word_at(const char *text)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strncmp(text, words[i], strlen(words[i])) == 0)
			return strlen(words[i]);
	return 0;
}

bool nameless_in(const char *name)
{
	for (; *name; name++)
		if (word_at(name))
			return true;
	return false;
}

void nameless_add(struct bytes *text, const char *name)
{
	while (*name) {
		size_t word = *name == '(' ? word_at(name) : 0;
		const char *end = word ? strchr(name, ')') : NULL;
		const char *at = end ? memmem(name, (size_t)(end - name), " at ", 4) : NULL;

		if (at) {
			bytes_add(text, name, (size_t)(at - name));
			name = end;
		} else {
			bytes_add(text, name++, 1);
		}
	}
}

/* The next member's name from `at` on, in front of its '@'; NULL: there is none. */
static const char *next_member(const char *at, size_t *length)
{
	const char *end = strchr(at, '@');
	const char *start = end;

	while (start && start > at && start[-1] != ' ')
		start--;
	*length = start ? (size_t)(end - start) : 0;
	return start;
}

static bool has_member(const char *text, const char *name, size_t length)
{
	size_t other;

	for (const char *at = text; (at = next_member(at, &other)); at += other + 1)
		if (other == length && strncmp(at, name, length) == 0)
			return true;
	return false;
}

bool nameless_same(const char *old, const char *new)
{
	const char *left = old, *right = new;

	for (;;) {
		size_t left_length, right_length;
		const char *left_name = next_member(left, &left_length);
		const char *right_name = next_member(right, &right_length);

		if (!left_name || !right_name)
			return strcmp(left, right) == 0;
		if (left_name - left != right_name - right ||
		    strncmp(left, right, (size_t)(left_name - left)) != 0)
			return false;
		if ((left_length != right_length ||
		     strncmp(left_name, right_name, left_length) != 0) &&
		    (!left_length || !right_length || has_member(new, left_name, left_length) ||
		     has_member(old, right_name, right_length)))
			return false;
		left = left_name + left_length + 1;
		right = right_name + right_length + 1;
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * A growable list of owned strings, always NULL-terminated so that it serves as an argv. A failed
 * allocation is sticky: check strings_ok() once at the end.
 */
#ifndef BUILDER_STRINGS_H
#define BUILDER_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

struct strings {
	char **items; /* owned; NULL while empty */
	size_t count;
	size_t capacity;
	bool failed;
};

void strings_fini(struct strings *list);
void strings_add(struct strings *list, const char *text);
void strings_add_part(struct strings *list, const char *text, size_t length);
void strings_add_format(struct strings *list, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void strings_add_all(struct strings *list, const struct strings *from);

/* Takes ownership of text, which may be NULL after a failed allocation. */
void strings_take(struct strings *list, char *text);

bool strings_contain(const struct strings *list, const char *text);
void strings_add_once(struct strings *list, const char *text);
void strings_sort(struct strings *list);

/* Of a list that strings_sort() has sorted. */
bool strings_contain_sorted(const struct strings *list, const char *text);

/*
 * Splits as a POSIX shell does, without expansions: blanks, single and double quotes, backslashes.
 * With response_file, as GCC reads @files: a backslash escapes in single quotes too. Returns false
 * where a quote doesn't end.
 */
bool strings_split(struct strings *list, const char *text, bool response_file);

static inline bool strings_ok(const struct strings *list)
{
	return !list->failed;
}

#endif

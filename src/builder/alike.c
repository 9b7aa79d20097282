/* SPDX-License-Identifier: MIT */
/* Messages compared word by word; see alike.h. */
#include "alike.h"

#include <string.h>

enum { NAMES_MAX = 2 };

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool alike(const struct refusal *a, const struct refusal *b, const char **name, size_t *length)
{
	const char *left = a->message, *right = b->message;
	unsigned differing = 0;

	*name = "";
	*length = 0;
	if (a->code != b->code || !same(a->next, b->next))
		return false;
	while (*left && *right) {
		size_t l = strcspn(left, " \n"), r = strcspn(right, " \n");

		if (l != r || memcmp(left, right, l) != 0) {
			if (++differing > NAMES_MAX)
				return false;
			if (differing == 1) {
				*name = right;
				*length = r;
			}
		}
		left += l;
		right += r;
		if (*left != *right)
			return false;
		left += *left != '\0';
		right += *right != '\0';
	}
	return !*left && !*right;
}

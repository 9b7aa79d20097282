/* SPDX-License-Identifier: MIT */
/* Edit distance (optimal string alignment); see suggest.h. */
#include "cli/suggest.h"

#include <string.h>

enum { SUGGEST_LENGTH = 40 };

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t suggest_distance(const char *a, const char *b)
{
	size_t rows[3][SUGGEST_LENGTH + 1];
	size_t a_length = strlen(a), b_length = strlen(b);

	if (a_length > SUGGEST_LENGTH || b_length > SUGGEST_LENGTH)
		return SUGGEST_LENGTH;
	for (size_t j = 0; j <= b_length; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= a_length; i++) {
		size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *third = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= b_length; j++) {
			size_t cost = a[i - 1] != b[j - 1];

			row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + cost);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], third[j - 2] + 1);
		}
	}
	return rows[a_length % 3][b_length];
}

const char *suggest_nearest(const char *word, const char *const *names)
{
	size_t best = strlen(word) / 3 + 1;
	const char *nearest = NULL;

	if (strlen(word) > SUGGEST_LENGTH)
		return NULL;
	for (; *names; names++) {
		size_t distance = suggest_distance(word, *names);

		if (distance < best) {
			best = distance;
			nearest = *names;
		}
	}
	return nearest;
}

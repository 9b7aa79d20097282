/* SPDX-License-Identifier: MIT */
/* "Did you mean": the nearest of some words. */
#ifndef CLI_SUGGEST_H
#define CLI_SUGGEST_H

#include <stddef.h>

/* The name nearest to word (a third of its letters may differ), or NULL. names ends with NULL. */
const char *suggest_nearest(const char *word, const char *const *names);

/* Insertions, deletions, replacements, swaps of neighbours that turn a into b. */
size_t suggest_distance(const char *a, const char *b);

#endif

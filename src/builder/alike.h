/* SPDX-License-Identifier: MIT */
/* Refusals that say the same of one thing after the other, for reports that people read. */
#ifndef BUILDER_ALIKE_H
#define BUILDER_ALIKE_H

#include "refusal.h"

#include <stdbool.h>

/*
 * Do both have one code and one way out, and messages that differ in a name or two? Then *name is
 * the second's first word that differs, and *length its length; "" where no word does.
 */
bool alike(const struct refusal *a, const struct refusal *b, const char **name, size_t *length);

#endif

/* SPDX-License-Identifier: MIT */
/* What the rules of a build (Ninja's, make's) say is made from a file. */
#ifndef BUILDER_RULES_H
#define BUILDER_RULES_H

#include "builder/strings.h"

/*
 * Adds the files that rules in build_dir make from `input`, directly or by way of others, each by
 * its path_real(). No rules, or none of these kinds: nothing is added.
 */
void rules_made_from(const char *build_dir, const char *input, struct strings *made);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Instances of templates for local classes of one name are told apart by the number of the class
 * alone: another one of that name would take over the static variables of the next one's.
 */
#ifndef BUILDER_INSTANCES_H
#define BUILDER_INSTANCES_H

#include "object.h"
#include "refusal.h"

/* Adds a refusal where there are more or fewer of one name than before. */
void instances_check(const struct object *before, const struct object *after, const char *source,
		     struct refusals *refusals);

#endif

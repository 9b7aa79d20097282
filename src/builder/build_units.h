/* SPDX-License-Identifier: MIT */
/* What a build says of its units, once they are known or compiled. Private to build.c. */
#ifndef BUILDER_BUILD_UNITS_H
#define BUILDER_BUILD_UNITS_H

#include "builder/building.h"

void build_units_count(struct build *build);

/* A source that the diff takes away can't be taken out of the running program. */
void build_units_refuse_removed(struct build *build);

/* Variables of one name are told apart by their lines: without the numbers they can't be. */
void build_units_refuse_unnumbered(struct build *build);

/* Lists the sources of which no compilation is in this one of several binaries. */
void build_units_list_elsewhere(struct build *build);

/* A unit read an edited file past the sparse view: all of P is compiled in a full one. */
int build_units_look_deeper(struct build *build, struct suture_error *err);

#endif

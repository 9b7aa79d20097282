/* SPDX-License-Identifier: MIT */
/*
 * One source compiled several times (for several programs, with several sets of flags): which of
 * the compilations are in the binary. Each is compiled as in production and verified; those that
 * are not there are put aside as foreign.
 */
#ifndef BUILDER_CANDIDATES_H
#define BUILDER_CANDIDATES_H

#include "builder/compile.h"

/*
 * Where no compilation of a source verifies, the one that comes closest stays, for the core to say
 * what is wrong with it. V of those that stay is kept. one_of_several: another binary is built for
 * too, and a source of which nothing is in this one is put aside.
 */
int candidates_choose(const struct compile_options *options, const char *binary,
		      bool one_of_several, struct compile_unit *units, size_t count,
		      struct suture_error *err);

#endif

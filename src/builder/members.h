/* SPDX-License-Identifier: MIT */
/*
 * Which compile commands made the binary. A tree builds several programs, and may compile one
 * source several times: what the linker was given says which object is in, else the debug
 * information names the sources, else the symbol table does.
 */
#ifndef BUILDER_MEMBERS_H
#define BUILDER_MEMBERS_H

#include "builder/compdb.h"

#include <suture/error.h>

#include <stdbool.h>

/*
 * Fills wanted[], one per entry. Where nothing is known about the binary, all are wanted. linked[]
 * tells which of them the linker was given beyond doubt, though it may have
 * dropped all that it found there: a name alone is not enough.
 */
int members_find(const char *binary, const char *build_dir, const char *work_dir,
		 const struct compdb *db, bool *wanted, bool *linked, struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* Headers that commands name only by way of what was precompiled from them. */
#ifndef BUILDER_COMPDB_HEADERS_H
#define BUILDER_COMPDB_HEADERS_H

#include "builder/compdb.h"

/*
 * Meson's `-include pre.h` finds pre.h.gch in a folder of the build, and no pre.h: becomes the
 * header that the command which makes pre.h.gch has for a source. Others stay as they are.
 */
void compdb_name_headers(struct compdb *db);

#endif

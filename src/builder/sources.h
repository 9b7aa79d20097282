/* SPDX-License-Identifier: MIT */
/* What a binary is made from, of the files that somebody edits: for who watches them. */
#ifndef BUILDER_SOURCES_H
#define BUILDER_SOURCES_H

#include "builder/build.h"

/*
 * Adds sources and headers of the binary that lie in the source folder (options->source_dir, else
 * the one that holds all sources), sorted, each once, as path_real() spells them. Of options only
 * build_dir, binary and source_dir count.
 */
int sources_list(const struct build_options *options, struct strings *files,
		 struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * compile_commands.json: what CMake, Meson, `ninja -t compdb` and bear write. One source may have
 * several entries (compiled for several programs): all are kept, in the file's order. Entries that
 * are the same in everything are one.
 */
#ifndef BUILDER_COMPDB_H
#define BUILDER_COMPDB_H

#include "builder/strings.h"

#include <suture/error.h>

struct compdb_entry {
	char *directory; /* owned: absolute, as written */
	char *file;	 /* owned: absolute, normalised by text */
	char *output;	 /* owned: absolute object path, or NULL where the command doesn't say */
	struct strings argv;
};

struct compdb {
	char *path; /* owned, for messages */
	struct compdb_entry *entries;
	size_t count;
};

/* Reads BUILD_DIR/compile_commands.json. The caller calls compdb_fini(), after failures too. */
int compdb_read(const char *build_dir, struct compdb *db, struct suture_error *err);

/* The same from a text; relative folders are seen from build_dir. */
int compdb_parse(const char *text, size_t size, const char *build_dir, struct compdb *db,
		 struct suture_error *err);

void compdb_fini(struct compdb *db);

#endif

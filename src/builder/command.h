/* SPDX-License-Identifier: MIT */
/*
 * A unit's compile command, taken apart once and put together again for each purpose. What decides
 * about the code (-O, -f, -m, -D, -std, plugins, specs) is never touched.
 */
#ifndef BUILDER_COMMAND_H
#define BUILDER_COMMAND_H

#include "builder/compdb.h"
#include "builder/overlay.h"
#include "builder/strings.h"

#include <suture/error.h>

#include <stdbool.h>

struct command {
	char *directory;     /* owned: where it runs */
	char *source;	     /* owned: as written in the command */
	struct strings argv; /* compiler and options: no source, no -c, -o, -M*, -Werror, wrapper */
	struct strings environment; /* done by what stands in front of it, see process_job */
	char *dep_file;	   /* owned: where production writes dependencies (absolute), or NULL */
	bool has_debug;	   /* it makes full debug information already */
	bool splits_debug; /* into another file */
	bool old_debug;	   /* DWARF 2 or 3, which say less */
	bool is_lto;
	bool is_clang;	   /* whatever its name is */
	bool makes_header; /* a precompiled one: no code */
};

/*
 * Reads an entry: wrappers (ccache, distcc, libtool, env…) are taken off but for what
 * they do to variables and the folder, response files opened.
 * Refuses what is no command of a GCC-like compiler.
 */
int command_init(struct command *command, const struct compdb_entry *entry,
		 struct suture_error *err);
void command_fini(struct command *command);

enum command_purpose {
	COMMAND_VERIFY,	    /* V: as production does */
	COMMAND_COMPARE,    /* O, P: sections and debug information added */
	COMMAND_CODE,	    /* O, P of a unit whose code depends on -g: sections only */
	COMMAND_ORIGINAL,   /* O alone: the same, without what only debuggers and people want */
	COMMAND_PREPROCESS, /* the unit's text with all macros expanded */
	COMMAND_DEPEND,	    /* a make rule with all files that it includes */
};

bool command_is_clang(const struct command *command);

/* Adds the files that the command includes before the source (-include), absolute. */
void command_included(const struct command *command, struct strings *paths);

/*
 * The argv for a purpose, and the folder to run it in. With an overlay, every path into it is
 * rewritten and mapped back in what the compiler writes down (__FILE__, debug information). For
 * COMPARE, CODE and ORIGINAL, and with an overlay, the files that it reads are listed in OUTPUT.d.
 * The caller frees *directory and calls strings_fini().
 */
int command_make(const struct command *command, enum command_purpose purpose,
		 const struct overlay *overlay, const char *output, struct strings *argv,
		 char **directory, struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The compilations of the affected units: V and O where production runs, P in a view of the tree.
 * What the compiler says is kept per unit; a unit that doesn't compile is a refusal.
 */
#ifndef BUILDER_COMPILE_H
#define BUILDER_COMPILE_H

#include "builder/command.h"
#include "builder/core.h"
#include "builder/refusal.h"

#include "base/hash.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>

/* One affected unit. */
struct compile_unit {
	const struct compdb_entry *entry; /* borrowed */
	struct command command;
	char *name;  /* owned: the source as reports name it */
	bool edited; /* its own source is in the diff */
	bool added;  /* not in the original tree: no V, no O */
	bool removed;
	bool skipped;	 /* its preprocessed text stays the same */
	bool v_reused;	 /* V is the object file of the build tree */
	bool v_stale;	 /* that file is older than something it was made from */
	bool o_light;	 /* O is compiled without what only debuggers want: runs_lighten() */
	bool unnumbered; /* P compiles only without #line directives */
	bool compiled;	 /* the compiler had to run: not all was in the cache or the build tree */
	bool refused;	 /* it does not compile, and a refusal says so */
	bool foreign;	 /* not in the binary: another compilation of the same source is */
	char original_text[HASH_TEXT_SIZE]; /* digests after preprocessing, "" where unknown */
	char patched_text[HASH_TEXT_SIZE];
	char *escape; /* owned: an edited file that P was found to read as it was, or NULL */
	struct core_layer *layers; /* owned: what patches below made of it, see core.h */
	size_t layer_count;
	char *v_path; /* owned; NULL where there is none */
	char *o_path;
	char *p_path;
	/* With -g, where its code is other code: o_path and p_path are compiled without then. */
	char *o_described;
	char *p_described;
};

/* Told before each compilation, on the caller's thread: "V server/shop.c", 3 of 12. */
typedef void compile_progress(const char *what, const char *unit, size_t done, size_t total,
			      void *context);

struct compile_options {
	const struct overlay *patched; /* NULL: nothing is, and O stands for P */
	/* Of the tree as it was, where the user's is edited already; NULL: the tree itself. */
	const struct overlay *before;
	const struct strings *edited; /* files of the diff, as path_real() spells them */
	/* Takes the #line directives out of `patched`, after a unit didn't compile with them. */
	int (*unnumber)(void *context, struct suture_error *err);
	const char *work_dir;
	bool skip_nothing; /* units that stay the same are compiled and compared too */
	unsigned parallel;
	const char *cache_dir;	    /* of objects, see objcache.h; NULL: none */
	const char *include_dir;    /* searched last for the headers of P, or NULL */
	compile_progress *progress; /* NULL: none */
	void *context;		    /* of unnumber and progress */
};

/*
 * Preprocesses both views of the units, marks those whose tokens are the same as skipped, and notes
 * the digests of the texts when there is a cache.
 */
int compile_preprocess(const struct compile_options *options, struct compile_unit *units,
		       size_t count, struct suture_error *err);

/* Compiles V of the wanted units. One that doesn't compile is left without. */
int compile_as_built(const struct compile_options *options, struct compile_unit *units,
		     size_t count, const bool *wanted, struct suture_error *err);

/*
 * Compiles what is missing of V, O and P of every unit that isn't skipped. Compile errors become
 * refusals (COMPILE_FAILED) with the compiler's own words; the return value is for trouble of our
 * own.
 */
int compile_all(const struct compile_options *options, struct compile_unit *units, size_t count,
		struct refusals *refusals, struct suture_error *err);

/* Compiles P of all units once more, after the view was made anew. */
int compile_patched_again(const struct compile_options *options, struct compile_unit *units,
			  size_t count, struct refusals *refusals, struct suture_error *err);

/* Compiles V of the units that reused an object of the build tree, and O with all that P has. */
int compile_again(const struct compile_options *options, struct compile_unit *units, size_t count,
		  struct refusals *refusals, struct suture_error *err);

/*
 * Compiles O and P of the wanted units once more without the -g that production doesn't have; those
 * with it become their description.
 */
int compile_set_apart(const struct compile_options *options, struct compile_unit *units,
		      size_t count, const bool *wanted, struct refusals *refusals,
		      struct suture_error *err);

/* The object that P is compared with: O, or what the last patch below made of the unit. */
const char *compile_unit_before(const struct compile_unit *unit);

/* The object whose DWARF tells of one of the unit's objects: itself, or the one with -g. */
const char *compile_unit_described(const struct compile_unit *unit, const char *path);

/* The object file that the entry's command left in the build tree, or NULL. Caller frees. */
char *compile_built_object(const struct compdb_entry *entry);

void compile_unit_fini(struct compile_unit *unit);

#endif

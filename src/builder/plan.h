/* SPDX-License-Identifier: MIT */
/*
 * What a build is about, before anything is compiled: the diff's changes, the source folder, the
 * affected units of the binary, and the view of the tree that they are compiled in.
 */
#ifndef BUILDER_PLAN_H
#define BUILDER_PLAN_H

#include "builder/build.h"
#include "builder/compdb.h"
#include "builder/compile.h"
#include "builder/deps.h"
#include "builder/diff.h"
#include "builder/overlay.h"

#include <suture/error.h>

/* What the diff stands on, where that is not the tree as it is. All borrowed. */
struct plan_base {
	const struct state *before;	 /* files as the binary was built from them */
	const struct state *now;	 /* files as the diff expects them */
	const struct plan *const *below; /* of the patches below, the lowest first */
	size_t below_count;
};

struct plan {
	struct plan_base base;
	char *build_dir; /* owned, absolute */
	char *work_dir;	 /* borrowed */
	char *root;	 /* owned: the folder that the diff belongs to */
	struct compdb db;
	struct diff diff;
	struct diff_changes changes;
	struct compile_unit *units;
	size_t unit_count;
	struct core_uncompiled *uncompiled; /* owned; of the changes */
	size_t uncompiled_count;
	bool *members; /* owned: which entries of db are the binary's, see members.h */
	bool *linked;  /* owned */
	struct overlay view;
	struct overlay before; /* the tree as it was, where the diff is in it already; else empty */
	struct strings edited; /* files of the diff, as path_real() spells them */
};

/*
 * Takes a diff out of the sources: plan->changes then leads from what they are to what they were.
 * Nothing else of the plan is made.
 */
int plan_take_out(struct plan *plan, const struct build_options *options,
		  const struct plan_base *base, char *work_dir, struct suture_error *err);

/*
 * Reads the diff and the compile commands, applies the diff to copies, finds the affected units.
 * The caller calls plan_fini(), after failures too; the folder stays.
 */
int plan_init(struct plan *plan, const struct build_options *options, const struct plan_base *base,
	      char *work_dir, struct build_result *result, struct suture_error *err);
void plan_fini(struct plan *plan);

/*
 * Makes the view that P is compiled in, with #line directives: a sparse one first; a full one when
 * a unit was seen to read past it.
 */
int plan_make_view(struct plan *plan, bool full, struct suture_error *err);

/*
 * Makes the view that V and O are compiled in, where the user's tree is edited already (options->
 * baseline, or by patches below); else leaves plan->before empty.
 */
int plan_make_before(struct plan *plan, const struct build_options *options,
		     struct suture_error *err);

/* The name of a source in reports: from the source folder on. Caller frees. */
char *plan_unit_name(const struct plan *plan, const char *file);

/* Is it a unit of the binary that the diff leaves alone? */
bool plan_is_unreached(const struct plan *plan, const struct compdb_entry *entry);

/* The patched file's line for a line number in what the compiler made of it (see numbers.h). */
unsigned plan_real_line(const struct plan *plan, const char *file, unsigned line);

/* The patched texts as the diff makes them, without #line directives. */
int plan_unnumber(struct plan *plan, struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* Runs of the compiler over units: prepared, then started together. Private to compile.h's files.
 */
#ifndef BUILDER_RUNS_H
#define BUILDER_RUNS_H

#include "builder/compile.h"
#include "builder/process.h"

enum variant {
	VARIANT_V,
	VARIANT_O,
	VARIANT_P,
	VARIANT_PLAIN, /* P without #line directives */
};

/* One run of the compiler and what belongs to it. */
struct run {
	struct compile_unit *unit;
	enum variant variant;
	enum command_purpose purpose;
	struct strings argv;
	char *directory; /* owned */
	char *out;	 /* owned: what it makes */
	char *log;	 /* owned: what it says */
	bool cached;	 /* `out` was made by an earlier build */
	bool lightened;	 /* see runs_lighten() */
};

struct runs {
	struct run *list;
	struct process_job *jobs; /* one per run; of a cached one only the status counts */
	size_t count;
	const struct compile_options *options;
	size_t finished;
};

int runs_init(struct runs *runs, const struct compile_options *options, size_t room,
	      struct suture_error *err);
void runs_fini(struct runs *runs);

/* At most `room` times. `index` tells the units' files apart. */
int runs_add(struct runs *runs, struct compile_unit *unit, size_t index, enum variant variant,
	     enum command_purpose purpose, struct suture_error *err);

/*
 * The run added last, an O, will do with less than P has (COMMAND_ORIGINAL), where an earlier build
 * left none that has it all. That its code is the same is shown by the comparison with V.
 */
void runs_lighten(struct runs *runs);

/* Takes from the cache what is there, runs the compiler for the rest. */
int runs_start(struct runs *runs, struct suture_error *err);

/* The files that a run read, as its compiler names them. Not for a cached one. */
int runs_files_read(const struct run *run, struct strings *files, struct suture_error *err);

/*
 * Looks for an edited file that was read where the user has it: through a link of the view, by an
 * absolute path in a generated file, … What was compiled then is not what the diff says: it is
 * noted as the unit's escape.
 */
int runs_find_escape(const struct run *run, const struct compile_options *options,
		     struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * From a diff to a patch file: plans, compiles, gates layouts, and has core.h compare and emit.
 * The user's trees are only read; all work happens in a temporary folder that is removed whatever
 * the end. Every reason to refuse is collected before the verdict.
 */
#ifndef BUILDER_BUILD_H
#define BUILDER_BUILD_H

#include "builder/compile.h"
#include "builder/core.h"
#include "builder/refusal.h"
#include "builder/strings.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All borrowed. */
struct build_options {
	const char *build_dir;	/* holds compile_commands.json */
	const char *source_dir; /* NULL: found from the diff and the compile commands */
	const char *binary;
	/* Built into the same patch, each near its own module: usually libraries of the program. */
	const char *const *further;
	size_t further_count;
	bool one_of_several;	 /* what is not in the binary is in another one */
	const char *carried;	 /* patch file for further modules to carry along, or NULL */
	const char *output;	 /* NULL: NAME.so in the working folder */
	const char *name;	 /* NULL: from the diff's file name */
	const char *description; /* one line, or NULL */
	/*
	 * NULL: nothing is patched. All of the binary is proved to be what the tree and its
	 * commands make, and the objects that later builds compare with are kept.
	 */
	const char *diff;
	/*
	 * The sources are edited already, as the diff says: this folder has the diff's files as
	 * they were, each at its absolute path. NULL: the sources are those that the binary was
	 * built from.
	 */
	const char *baseline;
	const char *const *on; /* patches that this one is built on, the lowest first */
	size_t on_count;
	const struct core_data_decision *decisions;
	size_t decision_count;
	const char *const *accepted_types; /* whose layout may change */
	size_t accepted_count;
	bool all_units;	       /* compare every unit of the binary, not just those reached */
	unsigned parallel;     /* 0: as many as there are processors */
	const char *cache_dir; /* of objects, made when missing; NULL: none */
	/* Where <suture/patch.h> is, for diffs that include it; NULL: the target's flags say. */
	const char *include_dir;
	compile_progress *progress;
	void *context;
};

struct build_units {
	size_t affected;
	size_t compiled;
	size_t skipped; /* their preprocessed text or their object stays the same */
	size_t cached;	/* nothing of them had to be compiled */
};

/* Why a function is in the patch. Texts are owned by the result. */
struct build_cause {
	const char *edited; /* the function that a hunk lies in: itself or one inlined; or NULL */
	const char *file;
	unsigned line; /* the first that the diff touches in it, before the diff */
};

/* One of several binaries. */
struct build_target {
	char *path;	   /* owned */
	char build_id[65]; /* hexadecimal; "" where it has none, or was not read */
	bool patched;	   /* has a part in the patch; else nothing of it changes */
};

struct build_result {
	enum core_outcome outcome; /* CORE_NOTHING is all that goes well without a diff */
	char name[65];
	char *output;		      /* owned; as given or made up */
	char *signature;	      /* owned: file of the signature, if it was signed */
	char *binary;		      /* owned */
	struct build_target *targets; /* owned: where there are several binaries, each of them */
	size_t target_count;
	char *source_root;	    /* owned; NULL where none was found */
	char *diff;		    /* owned: the diff's text, or NULL */
	struct build_cause *causes; /* owned: one per function of core; NULL without a patch */
	struct strings texts;	    /* owns texts of causes */
	struct core_result core;    /* functions, data, idle set, verification */
	struct refusals refusals;   /* all of them, core's too */
	struct strings absent;	    /* sources of the diff that are not in the binary */
	struct strings relaid;	    /* types that the layout gate refused */
	struct strings elsewhere;   /* units that must be in another one: nothing of them is here */
	struct strings notes;	    /* what the user should know though nothing is refused */
	struct build_units units;
	bool prepared;	/* there was no diff */
	bool unreached; /* the diff changes something, but nothing that the binary is made from */
	uint64_t total_us;
	uint64_t compile_us; /* preprocessing included */
	uint64_t compare_us; /* layouts, verification, comparison, output */
};

/*
 * Returns 0 when there is a verdict; a refusal is one (result->outcome). A negative code is trouble
 * that no change of the diff would cure: bad options, unreadable input, interrupted. *result is
 * filled in every case; the caller calls build_result_fini().
 */
int build_run(const struct build_options *options, struct build_result *result,
	      struct suture_error *err);
void build_result_fini(struct build_result *result);

/* A patch's name from a file's: "fixes/Shop fix.diff" is "Shop-fix". At most 64 characters. */
void build_name_from_path(const char *path, char name[65]);

/* True for what may name a patch: [A-Za-z0-9._-]{1,64}, not starting with a dot. */
bool build_name_valid(const char *name);

#endif

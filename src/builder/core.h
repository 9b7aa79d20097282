/* SPDX-License-Identifier: MIT */
/*
 * From object files to a patch: verify V against the binary, compare O with P, close over what the
 * change needs, bind every reference, emit and check the shared object. Knows nothing of diffs,
 * compile commands or reports: the driver (build.c) makes the objects and prints the result.
 */
#ifndef BUILDER_CORE_H
#define BUILDER_CORE_H

#include "refusal.h"
#include "strings.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A thing that a patch brought. */
struct core_provide {
	const char *unit;
	const char *name;
	uint64_t address; /* in that patch */
	bool global;
	bool function;
};

/* A patch that the new one is built on. */
struct core_below {
	const char *name;
	const uint8_t *hash; /* of its file */
	const struct core_provide *provides;
	size_t provide_count;
};

/* A unit as one of the patches below made it. */
struct core_layer {
	const char *path; /* its object, compiled as O is */
	size_t below;	  /* index of the patch */
};

/* The three compilations of one affected unit. All texts are borrowed. */
struct unit_objects {
	const char *source; /* as reports name it; also `unit` in the patch file */
	/*
	 * V: the production command; O: original source with -ffunction-sections -fdata-sections
	 * -g; P: the same of the patched source. v_path and o_path are NULL for a unit that the
	 * diff adds, p_path is NULL for one that it removes.
	 */
	const char *v_path;
	const char *o_path;
	const char *p_path;
	const char *compiler; /* driver of the unit, "gcc"; the first unit's links the patch */
	bool debug_matters;   /* V has no -g, and the compiler's code may depend on it */
	bool linked;	      /* the linker was given it: what is not there it has dropped */
	bool edited;	      /* its own source is in the diff */
	/*
	 * Where it does: O and P with -g, for what their DWARF says; o_path and p_path are compiled
	 * without. Else NULL.
	 */
	const char *o_described;
	const char *p_described;
	/*
	 * Where patches below changed the unit: what each made of it, the lowest first. o_path is
	 * the unit as the binary was built from; the last layer is what P is compared with.
	 */
	const struct core_layer *layers;
	size_t layer_count;
};

enum core_data_policy {
	CORE_DATA_KEEP, /* initial value changed: the running value stays */
	CORE_DATA_SET,	/* the running value becomes the new initial value */
};

struct core_data_decision {
	const char *variable;
	enum core_data_policy policy;
};

struct core_pair {
	const char *key;
	const char *value;
};

/* A source of the diff that no compile command of the binary makes anything of. */
struct core_uncompiled {
	const char *name;
	const char *text;
	size_t size;
};

/* All borrowed. */
struct core_options {
	const char *binary;	 /* the executable or shared object that runs */
	const char *debug_file;	 /* its separate symbols, or NULL: looked for as gdb does */
	const char *name;	 /* of the patch: [A-Za-z0-9._-]{1,64} */
	const char *description; /* one line, or NULL */
	const char *work_dir;	 /* existing scratch folder; NULL: one is made and removed */
	const struct core_data_decision *decisions;
	size_t decision_count;
	const char *const *accepted; /* types whose layout changes: "player" or "struct player" */
	size_t accepted_count;
	const char *const *relaid; /* types that are refused for their layout already */
	size_t relaid_count;
	const struct core_below *below; /* the lowest first */
	size_t below_count;
	const char *further; /* patch file for further modules to carry, or NULL */
	bool one_of_several; /* another binary of the diff may have what this one lacks */
	const struct core_uncompiled *uncompiled;
	size_t uncompiled_count;
	/*
	 * Objects, as production makes them, of units of the binary that the diff does not reach:
	 * they may show whose copy of an inline function runs (copies.h).
	 */
	const char *const *witnesses;
	size_t witness_count;
	const struct core_pair *provenance; /* must not contain times or temporary paths */
	size_t provenance_count;
};

enum core_outcome {
	CORE_PATCH,   /* written */
	CORE_NOTHING, /* the object code does not change: no file */
	CORE_REFUSED, /* see refusals: no file */
};

enum core_function_kind {
	CORE_FUNCTION_CHANGED, /* edited, or something that it uses was */
	CORE_FUNCTION_NEW,
	CORE_FUNCTION_INLINED, /* changed because of a function that was inlined into it */
	CORE_FUNCTION_CLONE,   /* .constprop, .isra, .part of a function */
};

/* "changed", "new", "inlined", "clone". Static storage. */
const char *core_function_kind_name(enum core_function_kind kind);

/* One function of the patch. Texts are owned by the result. */
struct core_function {
	const char *name;
	const char *unit;
	const char *binary; /* base name of the one that it is in */
	enum core_function_kind kind;
	bool exported;	     /* other units may call it by that name */
	const char *because; /* one clause, "its code differs" */
	const char *file;    /* of its definition, or NULL */
	unsigned line;	     /* 0 where unknown */
	uint64_t target;     /* address in the target; 0 for a new one */
	uint64_t old_size;   /* bytes; 0 for a new one */
	uint64_t new_size;
	uint32_t section; /* in P's object that has DWARF, which names it by: its name there */
	uint64_t start;	  /* may be another one, and static ones of C++ have none */
};

enum core_data_kind { CORE_DATUM_CONST, CORE_DATUM_NEW, CORE_DATUM_SET, CORE_DATUM_KEEP };

/* "const", "new", "set", "keep". Static storage. */
const char *core_data_kind_name(enum core_data_kind kind);

struct core_datum {
	const char *name;
	const char *unit;
	enum core_data_kind kind;
	bool exported;
	uint64_t target; /* address in the target; 0 for a new one */
	uint64_t size;
};

/* A function that no thread may be inside at the switch although it is not replaced. */
struct core_idle {
	const char *name;
	const char *unit;
	const char *because;
};

/* A function of the patch that the agent calls. */
struct core_hook {
	const char *name;
	const char *unit;
	const char *when; /* "pre_apply"; static storage */
};

/* A type whose living objects the patch writes anew. */
struct core_migration {
	const char *type;
	const char *unit;
	uint64_t old_size; /* bytes */
	uint64_t new_size;
	const char *forward; /* the functions that fill the new objects */
	const char *reverse; /* on revert; or NULL */
};

/* Functions of all units against the binary. */
struct core_verified {
	size_t exact;	   /* byte for byte, relocation fields resolved to the same targets */
	size_t equivalent; /* the same but for the linker's known relaxations */
	size_t different;
	size_t absent; /* not in the binary: dropped by the linker, or another unit's COMDAT copy */
};

struct core_result {
	enum core_outcome outcome;
	struct core_function *functions; /* by unit, then name */
	size_t function_count;
	struct core_datum *data;
	size_t data_count;
	struct core_idle *idle;
	size_t idle_count;
	struct core_hook *hooks;
	size_t hook_count;
	struct core_migration *migrations;
	size_t migration_count;
	struct core_verified verified;
	struct refusals refusals;
	struct strings imports;	    /* names that the agent looks for in the binary's libraries */
	struct strings unwitnessed; /* inline functions refused for want of a witness */
	struct strings unlike;	    /* units refused for what -g may have done to their code */
	struct strings notes;	    /* what the user should know though nothing is refused */
	char build_id[65];	    /* of the binary, hexadecimal; "" when it has none */
	uint64_t verify_us;	    /* time taken */
	uint64_t compare_us;
	uint64_t emit_us;
	struct core_texts *texts; /* owns the texts above */
};

struct binary;

/* Refuses a binary that no unit could be compared with: one without symbols, say. */
void core_check_binary(const struct binary *binary, struct refusals *refusals);

/*
 * Builds the patch. Returns 0 when there is a verdict (result->outcome), a negative code for
 * trouble that is none: unreadable or damaged input, a linker that fails, a self-check that fails.
 * `output` is replaced atomically and only for CORE_PATCH; NULL asks for the verdict alone.
 * *result is filled in every case; the caller calls core_result_fini().
 */
int core_build(const struct core_options *options, const struct unit_objects *units, size_t count,
	       const char *output, struct core_result *result, struct suture_error *err);

void core_result_fini(struct core_result *result);

/*
 * Puts what another binary's build found behind what this one did: functions, data, idle functions,
 * hooks, migrations, counts and times; the rest stays as it is. Either may be empty. What `from`
 * had of these is taken over; it is still to be finished.
 */
int core_result_join(struct core_result *result, struct core_result *from,
		     struct suture_error *err);

#endif

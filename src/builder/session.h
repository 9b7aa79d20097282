/* SPDX-License-Identifier: MIT */
/* Everything that one core_build() knows. Private to the core. */
#ifndef BUILDER_SESSION_H
#define BUILDER_SESSION_H

#include "arena.h"
#include "binary.h"
#include "core.h"
#include "object.h"
#include "part.h"
#include "proof.h"

struct unit {
	const struct unit_objects *input;
	const char *source;
	struct object v;
	struct object o; /* as it runs: of the last patch below that changed it */
	struct object p;
	const struct closures *closures; /* of o, where a patch below renamed them; else NULL */
	const struct object *below; /* what the last patch below made of it; NULL: there is none */
	struct proof proof;
	struct part_set verified; /* of V: made for original_check() */
	struct part_set original;
	struct part_set patched;
	bool *kept;		    /* by section of P: goes into the patch */
	bool *exported;		    /* by symbol of P: another unit of the patch refers to it */
	struct part **constructors; /* of new globals, in order */
	size_t constructor_count;
};

/* Data that the patch changes in place, or that a decision covers. */
struct datum {
	struct unit *unit;
	struct part *part; /* in P; its twin has the target */
	enum core_data_kind kind;
};

/* A function that must be idle at the switch besides those replaced. */
struct idle {
	struct unit *unit;
	struct part *part; /* in O; of another file's function a stand-in */
	const char *because;
};

/* A hook of the author's. */
struct hook {
	struct unit *unit;
	struct part *part; /* in P */
	uint32_t kind;	   /* enum format_hook_kind */
};

/* A pointer through which the patch calls a replaced function as it was. */
struct original {
	struct unit *unit;
	struct part *slot; /* in P */
	struct part *part; /* in P: the replacement */
};

/* What the author migrates living objects by. */
struct migration {
	struct unit *unit;
	const char *type;     /* "player" */
	struct part *forward; /* in P */
	struct part *reverse; /* or NULL */
	uint64_t old_size;    /* bytes, 0 until known */
	uint64_t new_size;
};

/* A new writable variable of the patch. */
struct variable {
	struct unit *unit;
	struct part *part; /* in P */
	uint8_t type[32];  /* hash of its type's layout; zeroes where it has none */
	bool ambiguous;	   /* another one has the same owner and stem */
	uint64_t record;   /* in the unit's .suture.variables, once written */
};

/* What a constructor of new globals makes. */
struct construct {
	struct unit *unit;
	size_t constructor; /* of the unit */
	struct variable *variable;
};

/* A name of which the binary has a __wrap_ function (wraps.h). */
struct wrap {
	const char *name;
	bool wrapped; /* the linker led the name there */
};

struct session {
	struct arena arena;
	const struct core_options *options;
	struct binary binary;
	struct unit *units;
	size_t unit_count;
	struct datum *data;
	size_t data_count;
	size_t data_capacity;
	struct idle *idle;
	size_t idle_count;
	size_t idle_capacity;
	struct variable *variables;
	size_t variable_count;
	size_t variable_capacity;
	struct construct *constructs;
	size_t construct_count;
	size_t construct_capacity;
	struct migration *migrations;
	size_t migration_count;
	size_t migration_capacity;
	struct hook *hooks;
	size_t hook_count;
	size_t hook_capacity;
	struct original *originals;
	size_t original_count;
	size_t original_capacity;
	struct wrap *wraps;
	size_t wrap_count;
	size_t wrap_capacity;
	const char **names; /* dynamic names of the patch */
	size_t name_count;
	size_t name_capacity;
	struct libraries *libraries; /* of the binary, once asked for; NULL: not known */
	bool libraries_asked;
	struct core_result *result;
	struct suture_error *err;
};

/* The function part that a child belongs to, or the part itself. */
static inline struct part *part_family(struct part *part)
{
	return part->kind == PART_CHILD && part->parent ? part->parent : part;
}

/* In the running program, so that code there and here must share it. */
static inline bool part_exists(const struct part *part)
{
	return part->twin && part->twin->has_target;
}

/* In the binary, not only in a patch below: it can be replaced. */
static inline bool part_in_binary(const struct part *part)
{
	return part_exists(part) && !part->twin->below;
}

/* The source file that the user knows: P may be compiled from an overlay. May be NULL. */
static inline const char *part_file(const struct part *part)
{
	return part->twin && part->twin->identity.file ? part->twin->identity.file
						       : part->identity.file;
}

/* "PART in UNIT TEXT", with where the part stands. */
static inline void session_refuse(struct session *session, enum suture_code code,
				  const struct unit *unit, const struct part *part,
				  const char *next, const char *text)
{
	refusals_add(&session->result->refusals, code,
		     part_file(part) ? part_file(part) : unit->source, part->identity.line, next,
		     "%s in %s %s", part->name, unit->source, text);
}

#endif

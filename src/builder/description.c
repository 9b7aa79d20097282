/* SPDX-License-Identifier: MIT */
/* Pairing by name, and which of these names are to be believed; see description.h. */
#include "description.h"

#include "base/error.h"
#include "compare.h"
#include "mangled.h"
#include "original.h"

#include <string.h>

enum { MAX_DEPTH = 16 };

struct tying {
	struct comparer comparer; /* from the code to its description */
	struct part **open;	  /* of the code: tied, and still to be looked through */
	size_t open_count;
};

int description_read(struct session *session, const char *path, struct object *object)
{
	struct object *description =
		path ? arena_array(&session->arena, 1, sizeof(*description)) : NULL;
	int code;

	if (!path)
		return 0;
	if (!description)
		return error_no_memory(session->err);
	code = object_read(&session->arena, path, description, session->err);
	object->description = description;
	return code;
}

/*
 * May the compiler have counted to make the name? It does so when it comes to need one, and -g may
 * make it need them in another order. The first of several has no number, and a local type is
 * within a mangled name (Z…E): this errs on the side of yes.
 */
static bool is_numbered(const struct part *part)
{
	const char *name = part->name;

	return part->numbered || strchr(name, '$') || strstr(name, "_block_") ||
	       (strncmp(name, "_Z", 2) == 0 && (strchr(name + 2, 'Z') || strstr(name, "Ut"))) ||
	       strncmp(name, "__cxx_global", 12) == 0 || mangled_may_have_closures(name);
}

static void tie(struct tying *tying, struct part *part)
{
	if (!part->twin || part->twin->coded)
		return;
	part->twin->coded = part;
	tying->open[tying->open_count++] = part;
}

static bool is_counted_function(const struct reference *ref)
{
	return ref->kind == REFERENCE_PART && ref->part && ref->part->kind == PART_FUNCTION &&
	       is_numbered(ref->part) && !mangled_may_have_closures(ref->part->name);
}

/* They are one function, if the rest is equal: neither is another one by now. */
static void lay_on(struct part *part, struct part *other)
{
	if (part->twin == other || (part->twin && part->twin->coded) || other->coded)
		return;
	if (part->twin)
		part->twin->twin = NULL;
	if (other->twin)
		other->twin->twin = NULL;
	part->twin = other;
	other->twin = part;
}

static bool is_content(const struct reference *ref)
{
	return ref->kind == REFERENCE_MERGED ||
	       (ref->kind == REFERENCE_PART && ref->part && ref->part->kind == PART_CONTENT);
}

/*
 * Is it the same code, whatever the constants without a name hold? Those may tell of lines.
 * Functions that the compiler makes may have other numbers with -g (.omp_outlined..1 and ..2): they
 * are known by the place that refers to them.
 */
static bool same_code(struct tying *tying, const struct part *part)
{
	struct comparer *comparer = &tying->comparer;
	const struct part *other = part->twin;
	const struct object_reloc *left, *right;
	size_t count, right_count;

	if (!compare_shapes(comparer, part, other))
		return false;
	left = object_relocs(&comparer->original->object->sections[part->section], part->start,
			     part->start + part->size, &count);
	right = object_relocs(&comparer->patched->object->sections[other->section], other->start,
			      other->start + other->size, &right_count);
	for (size_t i = 0; i < count && count == right_count; i++) {
		struct reference a = part_reference(comparer->original, part->section, &left[i]);
		struct reference b = part_reference(comparer->patched, other->section, &right[i]);

		if (left[i].type != right[i].type ||
		    left[i].offset - part->start != right[i].offset - other->start)
			return false;
		if (is_counted_function(&a) && is_counted_function(&b))
			lay_on(a.part, b.part);
		if (!(is_content(&a) && is_content(&b)) && !compare_references(comparer, &a, &b))
			return false;
	}
	return count == right_count;
}

/* What the same in both refers to, is the same. */
static void tie_references(struct tying *tying, const struct part *part, unsigned depth)
{
	const struct part_set *set = tying->comparer.original;
	const struct object_reloc *relocs;
	size_t count;

	if (part->section == OBJECT_COMMON || depth > MAX_DEPTH)
		return;
	relocs = object_relocs(&set->object->sections[part->section], part->start,
			       part->start + part->size, &count);
	for (size_t i = 0; i < count; i++) {
		struct reference ref = part_reference(set, part->section, &relocs[i]);

		if (ref.kind != REFERENCE_PART || !ref.part)
			continue;
		if (ref.part->kind == PART_CONTENT)
			tie_references(tying, ref.part, depth + 1);
		else
			tie(tying, ref.part);
	}
}

static void tie_all(struct tying *tying, struct part_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct part *part = set->list[i];

		part->unlike = part->kind != PART_CONTENT;
		if (!is_numbered(part))
			tie(tying, part);
	}
	while (tying->open_count) {
		struct part *part = tying->open[--tying->open_count];

		bool same = part->kind != PART_DATA && same_code(tying, part);

		part->unlike = part->writable != part->twin->writable ||
			       !compare_parts(&tying->comparer, part, part->twin);
		if (same || !part->unlike)
			tie_references(tying, part, part->unlike ? MAX_DEPTH : 0);
	}
}

static bool is_variable(const struct part *part)
{
	return part->kind == PART_DATA && (part->writable || part->tls);
}

static void refuse(struct session *session, const struct unit *unit, struct refusal_names *names,
		   const char *what)
{
	refusal_names_finish(names);
	if (names->count)
		refusals_add(&session->result->refusals, SUTURE_E_VERIFY_MISMATCH, unit->source, 0,
			     "build the server with -g, and strip it if need be",
			     "clang makes other code of %s where it is asked for debug "
			     "information, and that does not tell which %s: %s",
			     unit->source, what, names->text);
}

/* Values would be lost or mixed up, and lambdas get another one's code. */
static void check(struct session *session, const struct unit *unit, const struct part_set *set)
{
	struct refusal_names variables = {0};
	struct refusal_names lambdas = {0};

	for (size_t i = 0; i < set->count; i++) {
		const struct part *part = set->list[i];
		bool tied = part->twin && part->twin->coded == part;

		if (is_variable(part) && (!tied || part->unlike))
			refusal_names_add(&variables, part->name);
		else if (part->kind != PART_CONTENT && !tied &&
			 mangled_may_have_closures(part->name))
			refusal_names_add(&lambdas, part->name);
	}
	for (size_t i = 0; i < set->description->count; i++) {
		const struct part *part = set->description->list[i];

		if (is_variable(part) && !part->twin)
			refusal_names_add(&variables, part->name);
	}
	refuse(session, unit, &variables, "of the program's variables are these");
	refuse(session, unit, &lambdas, "of its lambdas are these");
}

int description_tie(struct session *session, const struct unit *unit, struct part_set *set)
{
	struct part_set *description;
	struct tying tying;
	int code;

	if (!set->object->description)
		return 0;
	description = arena_array(&session->arena, 1, sizeof(*description));
	tying = (struct tying){
		.comparer = {.arena = &session->arena, .original = set, .patched = description},
		.open = arena_array(&session->arena, set->count, sizeof(struct part *))};
	if (!description || !tying.open)
		return error_no_memory(session->err);
	code = part_set_build(&session->arena, set->arch, set->object->description, description,
			      session->err);
	if (code)
		return code;
	if (original_pair(&session->arena, set, description))
		return error_no_memory(session->err);
	set->description = description;
	tie_all(&tying, set);
	check(session, unit, set);
	for (size_t i = 0; i < set->count; i++)
		set->list[i]->twin = NULL;
	return arena_check(&session->arena, session->err);
}

const struct part *description_part(const struct part_set *set, const struct part *part)
{
	const struct part_set *description = set->description;

	for (size_t i = 0; description && i < description->count; i++)
		if (description->list[i]->coded == part)
			return description->list[i];
	return description ? NULL : part;
}

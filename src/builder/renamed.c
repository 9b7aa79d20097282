/* SPDX-License-Identifier: MIT */
/*
 * See renamed.h. Shapes are compared first; what the functions refer to can be compared only once
 * all of it is paired, themselves included: they may call each other.
 */
#include "renamed.h"

#include "compare.h"

#include <string.h>

struct rename {
	struct part *original;
	struct part *patched;
	struct part *function; /* that this variable of O is inside of, or NULL: a function */
};

static bool is_left(const struct part *part)
{
	return part->kind == PART_FUNCTION && part->symbol && !part->twin && !part->global &&
	       part->size;
}

static bool alike(const struct part_set *original, const struct part *a,
		  const struct part_set *patched, const struct part *b)
{
	const struct comparer comparer = {.original = original, .patched = patched};

	return is_left(a) && is_left(b) && compare_shapes(&comparer, a, b);
}

static struct part *only_like(const struct part_set *original, const struct part *a,
			      const struct part_set *patched)
{
	struct part *match = NULL;

	for (size_t i = 0; i < patched->count; i++) {
		if (!alike(original, a, patched, patched->list[i]))
			continue;
		if (match)
			return NULL;
		match = patched->list[i];
	}
	return match;
}

static bool is_only_like(const struct part_set *original, const struct part *a,
			 const struct part_set *patched, const struct part *b)
{
	for (size_t i = 0; i < original->count; i++)
		if (original->list[i] != a && alike(original, original->list[i], patched, b))
			return false;
	return true;
}

static void pair(struct renames *renames, struct part *a, struct part *b, struct part *function)
{
	a->twin = b;
	b->twin = a;
	renames->list[renames->count++] =
		(struct rename){.original = a, .patched = b, .function = function};
}

static bool is_inside(const struct part *variable, const struct part *function)
{
	const char *owner = variable->identity.owner;

	return variable->kind == PART_DATA && !variable->twin && !variable->global && owner &&
	       strcmp(owner, function->name) == 0;
}

static bool same_variable(const struct part *a, const struct part *b)
{
	return a->identity.variable && b->identity.variable &&
	       strcmp(a->identity.variable, b->identity.variable) == 0 &&
	       strcmp(a->identity.form, b->identity.form) == 0 && a->tls == b->tls &&
	       a->identity.line == b->identity.line;
}

/* What both refer to at the same place, and is declared inside, is one variable. */
static void pair_inside(struct renames *renames, const struct part_set *original,
			const struct part_set *patched, struct part *a)
{
	const struct part *b = a->twin;
	const struct object_reloc *left, *right;
	size_t left_count, right_count;

	left = object_relocs(&original->object->sections[a->section], a->start, a->start + a->size,
			     &left_count);
	right = object_relocs(&patched->object->sections[b->section], b->start, b->start + b->size,
			      &right_count);
	for (size_t i = 0; left_count == right_count && i < left_count; i++) {
		struct reference old = part_reference(original, a->section, &left[i]);
		struct reference new = part_reference(patched, b->section, &right[i]);

		if (old.part && new.part && is_inside(old.part, a) && is_inside(new.part, b) &&
		    same_variable(old.part, new.part))
			pair(renames, old.part, new.part, a);
	}
}

bool renamed_pair(struct arena *arena, const struct part_set *original,
		  const struct part_set *patched, struct renames *renames)
{
	size_t functions;

	renames->count = 0;
	renames->list = arena_array(arena, original->count, sizeof(*renames->list));
	if (!renames->list)
		return false;
	for (size_t i = 0; i < original->count; i++) {
		struct part *a = original->list[i];
		struct part *b = is_left(a) ? only_like(original, a, patched) : NULL;

		if (b && is_only_like(original, a, patched, b))
			pair(renames, a, b, NULL);
	}
	functions = renames->count;
	for (size_t i = 0; i < functions; i++)
		pair_inside(renames, original, patched, renames->list[i].original);
	return true;
}

static const struct part *child_of(const struct part_set *set, const struct part *function)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i]->kind == PART_CHILD && set->list[i]->parent == function)
			return set->list[i];
	return NULL;
}

static bool is_same(struct comparer *comparer, const struct part *a, const struct part *b)
{
	const struct part *left = child_of(comparer->original, a);
	const struct part *right = child_of(comparer->patched, b);

	return compare_parts(comparer, a, b) &&
	       (left && right ? compare_parts(comparer, left, right) : left == right);
}

static void part_again(struct part *a)
{
	if (!a->twin)
		return;
	a->twin->twin = NULL;
	a->twin = NULL;
}

/* The function, its cold part and the variables inside are other ones. */
static void take_apart(const struct part_set *original, const struct renames *renames,
		       struct part *function)
{
	for (size_t i = 0; i < original->count; i++)
		if (original->list[i]->kind == PART_CHILD && original->list[i]->parent == function)
			part_again(original->list[i]);
	for (size_t i = 0; i < renames->count; i++)
		if (renames->list[i].function == function)
			part_again(renames->list[i].original);
	part_again(function);
}

void renamed_confirm(struct arena *arena, const struct part_set *original,
		     const struct part_set *patched, const struct renames *renames)
{
	struct comparer comparer = {.arena = arena, .original = original, .patched = patched};
	bool progress = true;

	/* One that goes may be called by another one. */
	while (progress) {
		progress = false;
		for (size_t i = 0; i < renames->count; i++) {
			const struct rename *rename = &renames->list[i];

			if (rename->function || !rename->original->twin ||
			    is_same(&comparer, rename->original, rename->patched))
				continue;
			take_apart(original, renames, rename->original);
			progress = true;
		}
	}
}

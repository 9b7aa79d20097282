/* SPDX-License-Identifier: MIT */
/* See recapture.h. When in doubt a lambda is taken for a new one, which is never wrong for code. */
#include "builder/recapture.h"

#include "builder/nameless.h"

#include "base/error.h"

#include <string.h>

static bool has_name(const char *names, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = names; length && (at = strstr(at, name)); at += length)
		if (at > names && at[-1] == ' ' && at[length] == ' ')
			return true;
	return false;
}

/* Another variable is captured, not one that got a new name: one side has both, or may have. */
static bool is_another(const struct closure_layout *old, const struct closure_layout *new, size_t i)
{
	const char *was = old->captures[i].name, *is = new->captures[i].name;

	if (strcmp(was, is) == 0)
		return false;
	for (size_t k = 0; k < new->capture_count; k++)
		if (strcmp(new->captures[k].name, was) == 0)
			return true;
	return !*new->function || has_name(new->around, was) || has_name(old->around, is);
}

static bool same_layout(const struct closure_layout *old, const struct closure_layout *new)
{
	if (old->size != new->size || old->capture_count != new->capture_count)
		return false;
	for (size_t i = 0; i < old->capture_count; i++) {
		const struct closure_capture *left = &old->captures[i];
		const struct closure_capture *right = &new->captures[i];

		if (left->offset != right->offset || left->size != right->size ||
		    !nameless_same(left->type, right->type) || is_another(old, new, i))
			return false;
	}
	return true;
}

/* On the same line, and the same one in order there: edits move columns. */
static bool stands_at(const struct closures *original, const struct closure_place *old,
		      const struct closures *patched, const struct closure_place *new)
{
	size_t rank, other;

	return old->line == new->line &&strcmp(old->file, new->file) == 0 &&
	       closures_on_line(original, old, &rank) == closures_on_line(patched, new, &other) &&
	       rank == other;
}

/* Has the original a closure at that place in the function of that name? */
static bool is_in_function(const struct closures *original, const struct closures *patched,
			   const struct closure_layout *new)
{
	for (size_t i = 0; i < original->layout_count; i++)
		if (strcmp(original->layouts[i].function, new->function) == 0 &&
		    stands_at(original, &original->layouts[i].place, patched, &new->place))
			return true;
	return false;
}

/* The original's at that place where the patched one's layout is none that it has; else NULL. */
static const struct closure_place *changed_from(const struct closures *original,
						const struct closures *patched,
						const struct closure_layout *new)
{
	bool in_function = is_in_function(original, patched, new);
	const struct closure_place *found = NULL;

	/* An instance of a template that is new has a closure of its own. */
	if (!in_function && !nameless_in(new->function))
		return NULL;
	for (size_t i = 0; i < original->layout_count; i++) {
		const struct closure_layout *old = &original->layouts[i];

		if ((in_function && strcmp(old->function, new->function) != 0) ||
		    !stands_at(original, &old->place, patched, &new->place))
			continue;
		if (same_layout(old, new))
			return NULL;
		found = &old->place;
	}
	return found;
}

bool recapture_has(const struct recaptures *recaptures, const struct closure_place *patched)
{
	for (size_t i = 0; i < recaptures->count; i++)
		if (closures_same_place(&recaptures->list[i].new, patched))
			return true;
	return false;
}

static void add(struct recaptures *recaptures, struct arena *arena, const struct recapture *one)
{
	if (recapture_has(recaptures, &one->new))
		return;
	recaptures->list = arena_grow(arena, recaptures->list, recaptures->count,
				      &recaptures->capacity, sizeof(*recaptures->list));
	if (recaptures->list)
		recaptures->list[recaptures->count++] = *one;
	else
		recaptures->count = 0;
}

/* Where the original has the closure that stands at a place of the patched one, if it has. */
static const struct closure_place *original_place(const struct closures *original,
						  const struct closures *patched,
						  const struct closure_place *new)
{
	for (size_t i = 0; i < original->place_count; i++)
		if (stands_at(original, &original->places[i], patched, new))
			return &original->places[i];
	return NULL;
}

/* A closure that captures such a one, or a reference to it, would lead old code's to new code. */
static void add_holders(const struct closures *original, const struct closures *patched,
			struct recaptures *recaptures)
{
	const struct typegraph *graph = &recaptures->graph;
	const struct closure_place *through = &recaptures->list[0].new;

	for (size_t i = 0; i < graph->node_count; i++) {
		const struct typegraph_node *node = &graph->nodes[i];
		const struct closure_place *old;

		if (!node->closure.file || !node->holds || node->is_named)
			continue;
		old = original_place(original, patched, &node->closure);
		if (old)
			add(recaptures, graph->arena,
			    &(struct recapture){*old, node->closure, through});
	}
}

int recapture_find(const struct closures *original, const struct closures *patched,
		   const char *path, struct recaptures *recaptures, struct suture_error *err)
{
	struct arena *arena = patched->arena;
	size_t before;
	int code;

	*recaptures = (struct recaptures){0};
	for (size_t i = 0; i < patched->layout_count; i++) {
		const struct closure_layout *layout = &patched->layouts[i];
		const struct closure_place *old = changed_from(original, patched, layout);

		if (old)
			add(recaptures, arena, &(struct recapture){*old, layout->place, NULL});
	}
	if (!recaptures->count)
		return arena_check(arena, err);
	code = typegraph_read(arena, path, &recaptures->graph, err);
	do {
		before = recaptures->count;
		for (size_t i = 0; !code && i < recaptures->count; i++)
			typegraph_mark(&recaptures->graph, &recaptures->list[i].new, 1);
		if (!code)
			add_holders(original, patched, recaptures);
	} while (!code && recaptures->count > before);
	return code ? code : arena_check(arena, err);
}

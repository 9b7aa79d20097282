/* SPDX-License-Identifier: MIT */
/* See outlives.h. What has a function's address can have an object that it is called with. */
#include "builder/outlives.h"

#include "builder/mangled.h"
#include "builder/nameless.h"
#include "builder/signature.h"

#include "base/error.h"

#include <dwarf.h>
#include <elf.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

int outlives_read(const char *o_path, const char *p_path, const char *code_path,
		  struct outlives *outlives, struct suture_error *err)
{
	struct arena *arena = &outlives->arena;
	struct object old, new;
	int code;

	*outlives = (struct outlives){.path = o_path, .code = code_path};
	code = object_read(arena, o_path, &old, err);
	if (!code)
		code = object_read(arena, p_path, &new, err);
	if (!code)
		code = closures_read_all(arena, &old, &outlives->original, err);
	if (!code)
		code = closures_read_all(arena, &new, &outlives->patched, err);
	if (!code)
		code = recapture_find(&outlives->original, &outlives->patched, p_path,
				      &outlives->recaptures, err);
	if (!code && outlives->recaptures.count)
		code = typegraph_read(arena, o_path, &outlives->before, err);
	for (size_t i = 0; !code && i < outlives->recaptures.count; i++)
		typegraph_mark(&outlives->before, &outlives->recaptures.list[i].old, 1);
	return code;
}

void outlives_fini(struct outlives *outlives)
{
	arena_fini(&outlives->arena);
}

bool outlives_covers(const struct outlives *outlives, uint64_t place)
{
	const struct typegraph_node *node = typegraph_find(&outlives->before, place);

	return node && node->is_named;
}

static bool is_class(const struct typegraph_node *node)
{
	return node->tag == DW_TAG_structure_type || node->tag == DW_TAG_class_type ||
	       node->tag == DW_TAG_union_type;
}

/* An instance has its name where it is declared. */
static const char *name_of(const struct typegraph *graph, size_t function)
{
	const struct typegraph_node *node = &graph->nodes[function];

	for (unsigned i = 0; i < DEPTH_MAX && !node->name && node->origin != TYPEGRAPH_NONE; i++)
		node = &graph->nodes[node->origin];
	return node->name ? node->name : "(a function)";
}

/*
 * Of some specialised templates gcc tells no arguments, but their names speak of closures: what is
 * declared inside has got its object from those that are known.
 */
static bool in_instance(const struct typegraph *graph, const struct typegraph_node *node)
{
	for (unsigned i = 0;
	     i < DEPTH_MAX && (node->parent != TYPEGRAPH_NONE || node->origin != TYPEGRAPH_NONE);
	     i++) {
		node = &graph->nodes[node->origin != TYPEGRAPH_NONE ? node->origin : node->parent];
		if (node->name && nameless_in(node->name))
			return true;
	}
	return false;
}

/* What keeps its name although it leads to one: new code would find old objects there. */
static const char *meeting(const struct typegraph *graph, const struct typegraph_node *node)
{
	struct arena *arena = graph->arena;
	const char *name = node->name ? node->name : "(anonymous)";

	if (node->is_named || !node->holds)
		return NULL;
	if (is_class(node))
		return node->closure.file ? "another lambda leads to such objects"
					  : arena_format(arena, "%s leads to such objects", name);
	if (node->is_static)
		return arena_format(arena, "the variable %s leads to one that lives on", name);
	if (node->is_pointer && node->name && !in_instance(graph, node))
		return arena_format(arena, "%s points to one, and may to an old one", name);
	return NULL;
}

/* The variables that such a lambda or what is made with it has: a new one has others. */
static const char *starting_anew(struct arena *arena, const struct typegraph_node *node)
{
	if (!node->is_named || !node->has_storage || node->is_const)
		return NULL;
	return arena_format(arena, "the variable %s inside, line %u, would start anew",
			    node->name ? node->name : "(anonymous)", node->line);
}

/* The lambda among those that change which a name of the original mentions, or NULL. */
static const struct recapture *mentioned(const struct outlives *outlives, const char *name)
{
	struct closures closures = outlives->original;
	struct mangled_closure *list;
	size_t count;

	if (!mangled_may_have_closures(name))
		return NULL;
	if (!mangled_closures(closures.arena, name, &list, &count))
		return outlives->recaptures.list; /* can't be read */
	for (size_t i = 0; i < count; i++) {
		const struct closure *closure =
			closures_find(&closures, list[i].key, list[i].number);
		struct closure_place place;

		if (!closure || !closure->file || closure->unsure)
			return outlives->recaptures.list; /* may be any */
		place = (struct closure_place){closure->file, closure->line, closure->column};
		for (size_t k = 0; k < outlives->recaptures.count; k++)
			if (closures_same_place(&outlives->recaptures.list[k].old, &place))
				return &outlives->recaptures.list[k];
	}
	return NULL;
}

/* A callback, a virtual function, what std::function calls. */
static bool find_kept(struct outlives *outlives,
		      bool (*accepted)(void *context, const struct recapture *lambda),
		      void *context, struct outlives_reason *reason)
{
	struct arena *arena = &outlives->arena;
	struct suture_error ignored;
	struct object object;

	if (object_read(arena, outlives->path, &object, &ignored))
		return false; /* noted: it was read before */
	for (size_t i = 1; i < object.symbol_count; i++) {
		const struct object_symbol *symbol = &object.symbols[i];
		const struct recapture *lambda = mentioned(outlives, symbol->name);

		if (!lambda || symbol->type != STT_FUNC || accepted(context, lambda) ||
		    (!signature_is_kept(outlives->path, symbol->name) &&
		     !(outlives->code && signature_is_kept(outlives->code, symbol->name))))
			continue;
		*reason = (struct outlives_reason){
			lambda,
			arena_format(arena, "the address of %s is kept: what calls it may have one",
				     symbol->name),
			false};
		return true;
	}
	return false;
}

static const struct recapture *at_place(const struct outlives *outlives,
					const struct typegraph_node *closure)
{
	for (size_t i = 0; i < outlives->recaptures.count; i++)
		if (closures_same_place(&outlives->recaptures.list[i].new, &closure->closure))
			return &outlives->recaptures.list[i];
	return outlives->recaptures.list;
}

/* Another lambda, or a class, inside the same function gets it by a cast of a pointer. */
static bool find_given(struct outlives *outlives, struct outlives_reason *reason)
{
	const struct typegraph *graph = &outlives->recaptures.graph;

	for (size_t i = 0; i < graph->node_count; i++) {
		const struct typegraph_node *closure = typegraph_given(graph, i);

		if (!closure)
			continue;
		*reason = (struct outlives_reason){
			at_place(outlives, closure),
			arena_format(&outlives->arena,
				     "%s calls one that it was given, and may be given an old one",
				     name_of(graph, i)),
			true};
		return true;
	}
	return false;
}

bool outlives_find(struct outlives *outlives,
		   bool (*accepted)(void *context, const struct recapture *lambda), void *context,
		   struct outlives_reason *reason)
{
	const struct typegraph *graph = &outlives->recaptures.graph;
	const struct recapture *first = outlives->recaptures.list;
	const char *text = NULL;

	for (size_t i = 0; !text && i < graph->node_count; i++)
		text = meeting(graph, &graph->nodes[i]);
	*reason = (struct outlives_reason){first, text, true};
	if (text || find_given(outlives, reason))
		return true;
	for (size_t i = 0; !text && i < outlives->before.node_count; i++)
		text = starting_anew(&outlives->arena, &outlives->before.nodes[i]);
	*reason = (struct outlives_reason){first, text, false};
	if (text && !accepted(context, first))
		return true;
	return find_kept(outlives, accepted, context, reason);
}

/* SPDX-License-Identifier: MIT */
/* One walk over the debug information, then what follows from it; see typegraph.h. */
#include "builder/typegraph.h"

#include "builder/debuginfo.h"
#include "builder/nameless.h"
#include "builder/typemember.h"
#include "builder/typename.h"

#include "base/error.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64, ROUNDS_MAX = 10000 };

enum edge_kind {
	EDGE_HOLDS,  /* a member, what a pointer leads to, what a variable is */
	EDGE_BASE,   /* the same of a base class */
	EDGE_NAMES,  /* an argument of a template */
	EDGE_SPELLS, /* a qualified type, a pointer: holds it, and is spelled with its name */
	EDGE_IS,     /* a function, a variable: its declaration */
	EDGE_CALLS,  /* a function: what is inlined where it is called */
};

struct typegraph_edge {
	uint64_t from; /* index of the node; of calls its place until the walk is done */
	uint64_t to;   /* place; then index of the node */
	enum edge_kind kind;
};

static struct typegraph_node *add_node(struct typegraph *graph, Dwarf_Die *die, size_t parent)
{
	const char *name = dwarf_diename(die);
	struct typegraph_node *node;
	int line = 0;

	graph->nodes = arena_grow(graph->arena, graph->nodes, graph->node_count,
				  &graph->node_capacity, sizeof(*graph->nodes));
	if (!graph->nodes) {
		graph->node_count = 0; /* noted in the arena */
		return NULL;
	}
	node = &graph->nodes[graph->node_count++];
	dwarf_decl_line(die, &line);
	*node = (struct typegraph_node){.place = dwarf_dieoffset(die),
					.parent = parent,
					.origin = TYPEGRAPH_NONE,
					.tag = dwarf_tag(die),
					.name = name ? arena_text(graph->arena, name) : NULL,
					.line = (unsigned)line};
	return node;
}

static void add_edge(struct typegraph *graph, uint64_t from, Dwarf_Die *die, unsigned attribute,
		     enum edge_kind kind)
{
	Dwarf_Attribute value;
	Dwarf_Die type;

	if (from == TYPEGRAPH_NONE ||
	    !(attribute == DW_AT_type ? dwarf_attr_integrate(die, attribute, &value)
				      : dwarf_attr(die, attribute, &value)) ||
	    !dwarf_formref_die(&value, &type))
		return;
	graph->edges = arena_grow(graph->arena, graph->edges, graph->edge_count,
				  &graph->edge_capacity, sizeof(*graph->edges));
	if (graph->edges)
		graph->edges[graph->edge_count++] =
			(struct typegraph_edge){from, dwarf_dieoffset(&type), kind};
	else
		graph->edge_count = 0;
}

/* At a fixed place, or one of each thread. */
static bool has_storage(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	Dwarf_Op *ops;
	size_t count;

	if (!dwarf_attr(die, DW_AT_location, &attribute) ||
	    dwarf_getlocation(&attribute, &ops, &count) || !count)
		return false;
	switch (ops[0].atom) {
	case DW_OP_addr:
	case DW_OP_addrx:
	case DW_OP_GNU_addr_index:
	case DW_OP_const4u:
	case DW_OP_const8u:
	case DW_OP_constx:
	case DW_OP_GNU_const_index:
		/* Constants that make up a value are followed by what says so. */
		return ops[count - 1].atom != DW_OP_stack_value;
	default:
		return false;
	}
}

static void add_variable(struct typegraph *graph, Dwarf_Die *die, size_t parent, bool in_function)
{
	struct typegraph_node *node = add_node(graph, die, parent);
	Dwarf_Attribute attribute;
	Dwarf_Die type;

	if (!node)
		return;
	node->has_storage = has_storage(die);
	node->is_static = node->has_storage || !in_function || type_has_flag(die, DW_AT_external) ||
			  type_has_flag(die, DW_AT_declaration);
	if (dwarf_attr_integrate(die, DW_AT_type, &attribute) &&
	    dwarf_formref_die(&attribute, &type)) {
		Dwarf_Die outer = type;

		while (dwarf_tag(&outer) == DW_TAG_typedef &&
		       dwarf_attr(&outer, DW_AT_type, &attribute) &&
		       dwarf_formref_die(&attribute, &outer))
			;
		node->is_const = dwarf_tag(&outer) == DW_TAG_const_type;
		node->is_pointer = !type_has_flag(die, DW_AT_artificial) &&
				   typename_strip(&type, false) &&
				   dwarf_tag(&type) == DW_TAG_pointer_type;
	}
	/* A static member is told where the class is, and where it stands. */
	add_edge(graph, graph->node_count - 1, die, DW_AT_specification, EDGE_IS);
	add_edge(graph, graph->node_count - 1, die, DW_AT_abstract_origin, EDGE_IS);
	add_edge(graph, graph->node_count - 1, die, DW_AT_type, EDGE_HOLDS);
}

/* What was inlined into a function, and into that. */
static void walk_inlined(struct typegraph *graph, Dwarf_Die *parent, uint64_t caller, int depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die))
		return;
	do {
		uint64_t callee = caller;
		Dwarf_Attribute origin;
		Dwarf_Die function;

		switch (dwarf_tag(&die)) {
		case DW_TAG_inlined_subroutine:
			if (!dwarf_attr(&die, DW_AT_abstract_origin, &origin) ||
			    !dwarf_formref_die(&origin, &function))
				break;
			callee = dwarf_dieoffset(&function);
			add_edge(graph, caller, &die, DW_AT_abstract_origin, EDGE_CALLS);
			/* fall through */
		case DW_TAG_lexical_block:
			walk_inlined(graph, &die, callee, depth + 1);
			break;
		default:
			break;
		}
	} while (!dwarf_siblingof(&die, &die));
}

static void walk(struct typegraph *graph, Dwarf_Die *parent, size_t around, bool in_function,
		 int depth)
{
	Dwarf_Die die;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die))
		return;
	do {
		struct typegraph_node *node;
		size_t index = graph->node_count;

		switch (dwarf_tag(&die)) {
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
			node = add_node(graph, &die, around);
			if (node && closures_is_closure(&die))
				node->closure = closures_place(graph->arena, &die);
			walk(graph, &die, index, false, depth + 1);
			break;
		case DW_TAG_subprogram:
			node = add_node(graph, &die, around);
			if (node)
				node->file = closures_place(graph->arena, &die).file;
			add_edge(graph, index, &die, DW_AT_specification, EDGE_IS);
			add_edge(graph, index, &die, DW_AT_abstract_origin, EDGE_IS);
			walk(graph, &die, index, true, depth + 1);
			walk_inlined(graph, &die, dwarf_dieoffset(&die), 0);
			break;
		case DW_TAG_pointer_type:
		case DW_TAG_reference_type:
		case DW_TAG_rvalue_reference_type:
		case DW_TAG_ptr_to_member_type:
		case DW_TAG_const_type:
		case DW_TAG_volatile_type:
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
		case DW_TAG_typedef:
		case DW_TAG_array_type:
			add_node(graph, &die, around);
			add_edge(graph, index, &die, DW_AT_type, EDGE_SPELLS);
			add_edge(graph, index, &die, DW_AT_containing_type, EDGE_SPELLS);
			break;
		case DW_TAG_subroutine_type:
			add_node(graph, &die, around);
			add_edge(graph, index, &die, DW_AT_type, EDGE_SPELLS);
			walk(graph, &die, index, true, depth + 1);
			break;
		case DW_TAG_member:
			if (type_has_flag(&die, DW_AT_external) ||
			    type_has_flag(&die, DW_AT_declaration))
				add_variable(graph, &die, around, false);
			else
				add_edge(graph, around, &die, DW_AT_type, EDGE_HOLDS);
			break;
		case DW_TAG_inheritance:
			add_edge(graph, around, &die, DW_AT_type, EDGE_BASE);
			break;
		case DW_TAG_formal_parameter:
			if (dwarf_tag(parent) == DW_TAG_subroutine_type) {
				add_edge(graph, around, &die, DW_AT_type, EDGE_SPELLS);
				break;
			}
			/* fall through */
		case DW_TAG_variable:
			add_variable(graph, &die, around, in_function);
			break;
		case DW_TAG_template_type_parameter:
			add_edge(graph, around, &die, DW_AT_type, EDGE_NAMES);
			break;
		case DW_TAG_GNU_template_parameter_pack:
		case DW_TAG_GNU_formal_parameter_pack:
		case DW_TAG_namespace:
		case DW_TAG_lexical_block:
			walk(graph, &die, around, in_function, depth + 1);
			break;
		default: /* what is inlined is told where it is declared */
			break;
		}
	} while (!dwarf_siblingof(&die, &die));
}

static int by_place(const void *left, const void *right)
{
	const struct typegraph_node *a = left, *b = right;

	return (a->place > b->place) - (a->place < b->place);
}

const struct typegraph_node *typegraph_find(const struct typegraph *graph, uint64_t place)
{
	const struct typegraph_node key = {.place = place};

	return graph->node_count ? bsearch(&key, graph->nodes, graph->node_count,
					   sizeof(*graph->nodes), by_place)
				 : NULL;
}

/* From places to nodes; the walk has them in order. What leads to none is left out. */
static void resolve(struct typegraph *graph)
{
	size_t kept = 0;

	for (size_t i = 0; i < graph->edge_count; i++) {
		const struct typegraph_node *node = typegraph_find(graph, graph->edges[i].to);
		const struct typegraph_node *from = NULL;

		if (graph->edges[i].kind == EDGE_CALLS)
			from = typegraph_find(graph, graph->edges[i].from);
		if (!node || (graph->edges[i].kind == EDGE_CALLS && !from))
			continue;
		graph->edges[kept] = graph->edges[i];
		if (from)
			graph->edges[kept].from = (uint64_t)(from - graph->nodes);
		graph->edges[kept].to = (uint64_t)(node - graph->nodes);
		if (graph->edges[kept].kind == EDGE_IS)
			graph->nodes[graph->edges[kept].from].origin = graph->edges[kept].to;
		kept++;
	}
	graph->edge_count = kept;
}

int typegraph_read(struct arena *arena, const char *path, struct typegraph *graph,
		   struct suture_error *err)
{
	Dwarf_Die *unit = NULL;
	Dwfl_Module *module;
	Dwarf_Addr bias;
	Dwfl *dwfl = debuginfo_open(path, &module);

	*graph = (struct typegraph){.arena = arena};
	if (!dwfl)
		return error_no_memory(err);
	while (module && (unit = dwfl_module_nextcu(module, unit, &bias)))
		walk(graph, unit, TYPEGRAPH_NONE, false, 0);
	dwfl_end(dwfl);
	if (!arena->failed)
		resolve(graph);
	return arena_check(arena, err);
}

static bool set(bool *flag, bool value)
{
	bool news = value && !*flag;

	*flag |= value;
	return news;
}

/* gcc leaves packs of arguments empty: a name that speaks of closures has those of its bases. */
static bool follow(struct typegraph_node *from, const struct typegraph_node *to,
		   enum edge_kind kind)
{
	bool news = false;

	if (kind == EDGE_NAMES || kind == EDGE_SPELLS || kind == EDGE_IS ||
	    (kind == EDGE_BASE && from->name && nameless_in(from->name)))
		news |= set(&from->is_named, to->is_named);
	if (kind == EDGE_HOLDS || kind == EDGE_BASE || kind == EDGE_SPELLS)
		news |= set(&from->holds, to->holds);
	return news | set(&from->holds, from->is_named);
}

void typegraph_mark(struct typegraph *graph, const struct closure_place *places, size_t count)
{
	bool news = true;

	for (size_t i = 0; i < graph->node_count; i++) {
		struct typegraph_node *node = &graph->nodes[i];

		for (size_t k = 0; node->closure.file && k < count; k++)
			node->is_marked |= closures_same_place(&node->closure, &places[k]);
		node->is_named |= node->is_marked;
		node->holds |= node->is_marked;
	}
	for (unsigned round = 0; news && round < ROUNDS_MAX; round++) {
		news = false;
		for (size_t i = 0; i < graph->node_count; i++) {
			struct typegraph_node *node = &graph->nodes[i];

			if (node->parent != TYPEGRAPH_NONE)
				news |= set(&node->is_named, graph->nodes[node->parent].is_named);
			news |= set(&node->holds, node->is_named);
		}
		for (size_t i = 0; i < graph->edge_count; i++)
			news |= follow(&graph->nodes[graph->edges[i].from],
				       &graph->nodes[graph->edges[i].to], graph->edges[i].kind);
	}
}

static size_t declared(const struct typegraph *graph, size_t function)
{
	for (unsigned i = 0; i < DEPTH_MAX && function != TYPEGRAPH_NONE &&
			     graph->nodes[function].origin != TYPEGRAPH_NONE;
	     i++)
		function = graph->nodes[function].origin;
	return function;
}

/* The marked closure that a function is declared inside of; NULL: an instance of a template. */
static const struct typegraph_node *closure_of(const struct typegraph *graph, size_t function)
{
	for (size_t i = declared(graph, function); i != TYPEGRAPH_NONE; i = graph->nodes[i].parent)
		if (graph->nodes[i].is_marked)
			return &graph->nodes[i];
	return NULL;
}

static bool is_of_closure(const struct typegraph *graph, size_t function)
{
	size_t parent = graph->nodes[function].parent;

	return parent != TYPEGRAPH_NONE && graph->nodes[parent].closure.file;
}

/* The last function that begins before the lambda. */
static size_t last_before(const struct typegraph *graph, const struct closure_place *place)
{
	size_t found = TYPEGRAPH_NONE;

	for (size_t i = 0; i < graph->node_count; i++) {
		const struct typegraph_node *node = &graph->nodes[i];

		if (node->tag == DW_TAG_subprogram && node->file && node->line && node->name &&
		    node->line <= (unsigned)place->line && strcmp(node->file, place->file) == 0 &&
		    !is_of_closure(graph, declared(graph, i)) &&
		    (found == TYPEGRAPH_NONE || node->line > graph->nodes[found].line))
			found = i;
	}
	return found;
}

/*
 * The function that something is declared in, or TYPEGRAPH_NONE. Around closures of functions that
 * are inlined everywhere clang 14 writes down a function without a name.
 */
static size_t outer_of(const struct typegraph *graph, size_t inner)
{
	const struct closure_place *place = NULL;
	size_t i = inner;

	do {
		if (graph->nodes[i].closure.file)
			place = &graph->nodes[i].closure;
		i = graph->nodes[i].parent;
	} while (i != TYPEGRAPH_NONE && graph->nodes[i].tag != DW_TAG_subprogram);
	i = declared(graph, i);
	if (i != TYPEGRAPH_NONE && !graph->nodes[i].name && place)
		i = declared(graph, last_before(graph, place));
	return i;
}

const struct typegraph_node *typegraph_given(const struct typegraph *graph, size_t function)
{
	size_t outer;

	if (graph->nodes[function].tag != DW_TAG_subprogram || graph->nodes[function].is_named)
		return NULL;
	outer = outer_of(graph, declared(graph, function));
	for (size_t i = 0; outer != TYPEGRAPH_NONE && i < graph->edge_count; i++) {
		const struct typegraph_edge *edge = &graph->edges[i];
		const struct typegraph_node *closure;

		if (edge->kind != EDGE_CALLS || edge->from != function ||
		    !graph->nodes[edge->to].is_named)
			continue;
		closure = closure_of(graph, edge->to);
		if (closure && outer_of(graph, (size_t)(closure - graph->nodes)) == outer)
			return closure;
	}
	return NULL;
}

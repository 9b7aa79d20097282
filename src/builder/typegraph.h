/* SPDX-License-Identifier: MIT */
/*
 * Which types of an object lead to a closure, by members, bases and pointers, and which things have
 * its name in theirs: instances of templates over it, what is declared inside of it and of those.
 * When closures are renamed, what is named by them becomes another thing with them; what only holds
 * one stays the thing that it was.
 */
#ifndef BUILDER_TYPEGRAPH_H
#define BUILDER_TYPEGRAPH_H

#include "closures.h"

#include <stdint.h>

/* A type, a function or a variable. */
struct typegraph_node {
	uint64_t place; /* in the debug information */
	size_t parent;	/* index of the type or function around it, or TYPEGRAPH_NONE */
	int tag;
	const char *name; /* or NULL */
	const char *file; /* of a function; or NULL */
	unsigned line;
	struct closure_place closure; /* of a closure: where the source has it */
	size_t origin;	  /* of a function: index of its declaration, or TYPEGRAPH_NONE */
	bool is_static;	  /* variable: lives longer than a call */
	bool has_storage; /* variable: at a fixed place */
	bool is_pointer;  /* variable */
	bool is_const;	  /* variable */
	bool is_marked;	  /* closure: one of those that were asked for */
	bool is_named;	  /* by one of these */
	bool holds;	  /* leads to one of these, or is named by it */
};

#define TYPEGRAPH_NONE SIZE_MAX

struct typegraph_edge;

struct typegraph {
	struct arena *arena;
	struct typegraph_node *nodes; /* by rising place */
	size_t node_count;
	size_t node_capacity;
	struct typegraph_edge *edges;
	size_t edge_count;
	size_t edge_capacity;
};

/* All of it is kept in arena. */
int typegraph_read(struct arena *arena, const char *path, struct typegraph *graph,
		   struct suture_error *err);

/* Marks the closures at these places besides those that are, and says what follows from it. */
void typegraph_mark(struct typegraph *graph, const struct closure_place *places, size_t count);

/*
 * The closure of those marked that a function calls, of what was inlined, which is declared inside
 * the function that the lambda is written in, and not inside the lambda: it has it by a pointer
 * that it was given. NULL for none.
 */
const struct typegraph_node *typegraph_given(const struct typegraph *graph, size_t function);

/* The node at a place in the debug information, or NULL. */
const struct typegraph_node *typegraph_find(const struct typegraph *graph, uint64_t place);

#endif

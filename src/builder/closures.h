/* SPDX-License-Identifier: MIT */
/*
 * The closures that the names of an object mention, and where the source has them: from DWARF,
 * which says it of each function whose closure, or argument of a template, it is. Lines of P are
 * those of the original (#line), and lines that are new have numbers that no old one has.
 */
#ifndef BUILDER_CLOSURES_H
#define BUILDER_CLOSURES_H

#include "object.h"

#include <elfutils/libdw.h>

struct closure {
	const char *key; /* its readable name without the number (mangled.h) */
	bool by_unit;
	unsigned number;
	const char *file; /* NULL: nothing says where it is */
	int line;
	int column;  /* 0: unknown; clang says none */
	bool unsure; /* DWARF says two places */
	/* P: */
	const char *spelled;	  /* its readable name */
	const char *original_key; /* its key by O's numbers */
	unsigned other;		  /* the number that it should have */
	bool paired;		  /* that is decided */
	bool recaptured;	  /* O had it with other captures (recapture.h) */
};

struct closure_place {
	const char *file;
	int line;
	int column;
};

struct closure_capture {
	const char *name; /* without what the compiler puts before it */
	int64_t offset;	  /* bits */
	uint64_t size;
	const char *type; /* its identity */
};

/* A closure type, as one function has it: instances of a template may capture other types. */
struct closure_layout {
	struct closure_place place;
	const char *function; /* around it, "" for none */
	const char *around;   /* names of variables in that function, each between blanks */
	uint64_t size;	      /* bytes */
	struct closure_capture *captures;
	size_t capture_count;
};

struct closures {
	struct arena *arena;
	struct closure *list;
	size_t count;
	size_t capacity;
	struct closure_place *places; /* of all closures in DWARF, sorted, each once */
	size_t place_count;
	size_t place_capacity;
	struct closure_layout *layouts;
	size_t layout_count;
	size_t layout_capacity;
	bool unreadable; /* a name that the demangler can't read */
};

/* An object without DWARF has closures without places. */
int closures_read(struct arena *arena, const struct object *object, struct closures *closures,
		  struct suture_error *err);

/* The same, with the places and layouts of closures that no name mentions. */
int closures_read_all(struct arena *arena, const struct object *object, struct closures *closures,
		      struct suture_error *err);

/* How many closures stand on the line of `place`, and how many of them before it. */
size_t closures_on_line(const struct closures *closures, const struct closure_place *place,
			size_t *before);

bool closures_same_place(const struct closure_place *left, const struct closure_place *right);

/* Of debug information: is it a closure type, and where does the source have it? */
bool closures_is_closure(Dwarf_Die *die);
struct closure_place closures_place(struct arena *arena, Dwarf_Die *die);

struct closure *closures_find(const struct closures *closures, const char *key, unsigned number);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The closures that the names of an object mention, and where the source has them: from DWARF,
 * which says it of each function whose closure, or argument of a template, it is. Lines of P are
 * those of the original (#line), and lines that are new have numbers that no old one has.
 */
#ifndef BUILDER_CLOSURES_H
#define BUILDER_CLOSURES_H

#include "object.h"

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
};

struct closure_place {
	const char *file;
	int line;
	int column;
};

struct closures {
	struct arena *arena;
	struct closure *list;
	size_t count;
	size_t capacity;
	struct closure_place *places; /* of all closures in DWARF, sorted, each once */
	size_t place_count;
	size_t place_capacity;
	bool unreadable; /* a name that the demangler can't read */
};

/* An object without DWARF has closures without places. */
int closures_read(struct arena *arena, const struct object *object, struct closures *closures,
		  struct suture_error *err);

struct closure *closures_find(const struct closures *closures, const char *key, unsigned number);

#endif

/* SPDX-License-Identifier: MIT */
/* Types of an object file with their layouts, out of its debug information. */
#ifndef BUILDER_TYPES_H
#define BUILDER_TYPES_H

#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum type_member_kind {
	TYPE_FIELD,
	TYPE_BASE,	 /* base class */
	TYPE_SLOT,	 /* virtual function: offset is its place in the vtable */
	TYPE_ENUMERATOR, /* offset is its value */
	TYPE_PARAMETER,	 /* of a function: offset is its place; 0 is what it returns */
};

struct type_member {
	enum type_member_kind kind;
	char *name;	/* owned, "" for none */
	int64_t offset; /* bits for fields and bases */
	uint64_t size;	/* bits; 0 where it says nothing */
	char *type;	/* owned: identity without typedefs and qualifiers; "" for none */
	unsigned line;
	bool is_implicit; /* nobody wrote it: told only where it is used */
	bool is_virtual;  /* a base that all derived ones share: its place is not known */
};

struct type {
	char *name; /* owned: "struct player", "game::Room", "enum item", "heal()" for functions */
	bool is_union;
	bool is_enum;
	bool is_function;
	bool is_closure;
	uint64_t place; /* in the debug information */
	uint64_t size;	/* bytes */
	char *file;	/* owned, "" where unknown */
	unsigned line;
	char *used_by; /* owned: "on_move() at scene.c:88", or NULL */
	struct type_member *members;
	size_t member_count;
	size_t member_room;
};

struct types {
	struct type *list; /* sorted by name; several of one name in order of appearance */
	size_t count;
	size_t room;
	bool failed; /* an allocation failed */
};

int types_read(const char *path, struct types *types, struct suture_error *err);
void types_fini(struct types *types);

/* Frees what one type owns. */
void type_fini(struct type *type);

#endif

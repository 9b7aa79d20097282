/* SPDX-License-Identifier: MIT */
/*
 * What verification has established about one unit: where each section of V is in the binary, and
 * what each name that V refers to is bound to there. A place is *claimed* by an anchor or by a
 * relocation, and *compared* once all its bytes were found equal.
 */
#ifndef BUILDER_PROOF_H
#define BUILDER_PROOF_H

#include "arena.h"
#include "binary.h"
#include "object.h"

#include <stdbool.h>
#include <stdint.h>

enum place_state {
	PLACE_UNKNOWN,
	PLACE_CLAIMED,
	PLACE_COMPARED,
	PLACE_DIFFERENT, /* claimed, and the bytes there are others */
};

struct place {
	enum place_state state;
	uint64_t base; /* address of the section's start; thread-local ones: offset in the block */
};

enum binding_kind {
	BINDING_UNKNOWN,
	BINDING_ADDRESS, /* in the binary */
	BINDING_IMPORT,	 /* found by the loader */
	BINDING_NULL,	 /* weak, and nothing defines it */
};

/* What the binary binds a global name to, for the name's use in this unit. */
struct binding {
	enum binding_kind kind;
	uint64_t address;
	const struct binary_symbol *import;
	bool wrapped; /* the linker's --wrap leads it there: by proof_wrapped_name() */
};

enum function_state {
	FUNCTION_ABSENT, /* not in the binary */
	FUNCTION_EXACT,
	FUNCTION_EQUIVALENT, /* after undoing the linker's relaxations */
	FUNCTION_DIFFERENT,
};

struct proof {
	struct arena *arena;
	const struct binary *binary;
	const struct object *object;
	struct place *places;	  /* by section */
	struct binding *bindings; /* by symbol */
	uint8_t *functions;	  /* enum function_state by symbol */
	const char *conflict;	  /* first disagreement, or NULL */
	bool nowhere;		  /* it has functions, and the binary none of them */
};

/*
 * The unit defines it weakly and outside of a COMDAT group: a default that another unit's
 * definition may have won against, while this one stays in the binary beside it.
 */
bool proof_is_weak_default(const struct object *object, const struct object_symbol *symbol);

/* A weak default that lost: the binary's name is another unit's, at *winner. */
bool proof_lost(const struct proof *proof, uint32_t symbol, uint64_t *winner);

enum { PROOF_NAME_SIZE = 512 };

/*
 * What --wrap makes of a name that an object leaves open: "__wrap_read" of "read", where the binary
 * has one, and "read" of "__real_read". False: nothing, or a name too long.
 */
bool proof_wrapped_name(const struct binary *binary, const char *name, char other[PROOF_NAME_SIZE]);

/* Address in the binary of a symbol that V defines; false where nothing shows it. */
bool proof_address(const struct proof *proof, uint32_t symbol, uint64_t *address);

/* Address of the weak function of that name, if it is in the binary as it is here. */
bool proof_weak_function(const struct proof *proof, const char *name, uint64_t *address);

/*
 * Compares section `index` with the binary's bytes at base. With commit, what its relocations say
 * about other sections and names is claimed, and function states are noted; without, nothing is
 * kept. Returns the number of bytes and references that differ, 0 when all agree.
 */
size_t proof_compare(struct proof *proof, uint32_t index, uint64_t base, bool commit);

#endif

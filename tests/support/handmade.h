/* SPDX-License-Identifier: MIT */
/*
 * Patches written by hand: C or assembly text, plus records of the format, compiled and linked to a
 * patch file for the process that the test itself is. Shows that the format stands on its own feet,
 * and lets tests make wrong patches that the builder never would.
 */
#ifndef TESTS_HANDMADE_H
#define TESTS_HANDMADE_H

#include "base/bytes.h"
#include "patch/format.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct handmade {
	struct bytes code;   /* C text */
	struct bytes tables; /* assembly text */
	struct bytes strings;
	unsigned symbols;
	size_t padding; /* behind the functions that are replaced next */
	struct {
		uint8_t build_id[FORMAT_BUILD_ID_SIZE];
		size_t build_id_size;
		uintptr_t bias;
	} modules[4];
	size_t module_count;
	char name[64];
};

/*
 * For the test's own executable. The test ends if anything fails. What is named below may also be
 * in a library that is loaded: it becomes a further module of the patch.
 */
void handmade_init(struct handmade *patch, const char *name);
/* For the module that address is in. */
void handmade_init_for(struct handmade *patch, const char *name, const void *address);
void handmade_fini(struct handmade *patch);

/* Appends C text (functions that replace, variables, hooks; asm() as needed). */
void handmade_code(struct handmade *patch, const char *text);

/* `function`, an exported function of the test, is replaced by the patch's symbol `by`. */
void handmade_replace(struct handmade *patch, const void *function, const char *by);

/* Size in bytes of an exported function of the test. */
size_t handmade_size(const void *function);

/* Symbols for the side table; each returns the number to be used in handmade_reloc(). */
unsigned handmade_target(struct handmade *patch, const void *address);
unsigned handmade_tls(struct handmade *patch, uint64_t offset);
unsigned handmade_import(struct handmade *patch, const char *name, unsigned flags);

/* The agent fills the field at the patch's symbol `site`. */
void handmade_reloc(struct handmade *patch, const char *site, uint32_t type, unsigned symbol,
		    int64_t addend);

/* The pointer variable `slot` of the patch will hold the symbol's address. */
void handmade_slot(struct handmade *patch, const char *slot, unsigned symbol);

void handmade_hook(struct handmade *patch, enum format_hook_kind kind, const char *function);
/* Called by the agent before anything else of the patch. */
void handmade_constructor(struct handmade *patch, const char *function);
/* The pointer variable `slot` of the patch will hold the original of what `by` replaces. */
void handmade_original(struct handmade *patch, const char *slot, const char *by);
/* Objects of the type are migrated by functions of the patch; reverse NULL: one way. */
void handmade_migration(struct handmade *patch, const char *type, size_t old_size, size_t new_size,
			const char *forward, const char *reverse);
void handmade_idle(struct handmade *patch, const void *function, size_t size, const char *name);
void handmade_data(struct handmade *patch, enum format_data_kind kind, const void *target,
		   size_t size, const char *new_contents);
void handmade_depend(struct handmade *patch, const char *name, const uint8_t *hash);
/* A file that stands for its part for further modules. */
void handmade_carry(struct handmade *patch, const char *path);

/* Compiles C text to a library, NAME.so in folder, with a build-id. */
void handmade_library(const char *folder, const char *name, const char *code, char *path,
		      size_t size);

/* Compiles, links and seals; path receives the file's name, in a folder that the test removes. */
void handmade_build(struct handmade *patch, const char *folder, char *path, size_t size);

/* Writes the digest of a patch file's bytes into them. */
void handmade_seal(uint8_t *data, size_t size);

#endif

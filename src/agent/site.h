/* SPDX-License-Identifier: MIT */
/*
 * Patched entries and the versions stacked on each: the last one runs, those below come back when
 * it is reverted. A site, once made, stays: its copy of the original bytes is what later patches
 * and checks see "through our own jumps".
 *
 * Threads: the one that carries out transactions (plan phase).
 */
#ifndef AGENT_SITE_H
#define AGENT_SITE_H

#include "patch/object.h"
#include "trampoline/edit.h"
#include "trampoline/tier.h"

struct site_version {
	struct patch *patch;
	size_t function;	      /* index in the patch's functions */
	uintptr_t enters;	      /* where its calls go: the replacement, or what counts them */
	struct trampoline trampoline; /* leads there, or to the stub of a scope */
};

struct site {
	uintptr_t entry;
	size_t size;		       /* bytes of the old function */
	uint8_t *original;	       /* owned copy of them */
	struct site_version *versions; /* owned, the last one is in force */
	size_t count;
	size_t capacity;
	/*
	 * The trampoline in place, or the last one that was. It is never given back: its island
	 * and window serve the next version as well, so that applying and reverting for ever takes
	 * no more memory. Its replacement is what its hop leads to.
	 */
	struct trampoline known;
	bool has_known;
};

struct site_table {
	struct site **sites; /* owned, by rising entry */
	size_t count;
	size_t capacity;
};

void site_table_fini(struct site_table *table);

struct site *site_find(const struct site_table *table, uintptr_t entry);

/* Finds or makes the site; original is copied. */
int site_obtain(struct site_table *table, uintptr_t entry, size_t size, const uint8_t *original,
		struct site **site, struct suture_error *err);

/* The version in force, or NULL when the original code runs. */
struct site_version *site_top(const struct site *site);

/* Position of patch's version on the site, or -1. */
long site_version_of(const struct site *site, const struct patch *patch);

/*
 * Makes room for that many more versions, so that site_push_reserved() can't fail after the commit.
 */
int site_reserve(struct site *site, size_t more, struct suture_error *err);
void site_push_reserved(struct site *site, const struct site_version *version);
void site_remove(struct site *site, const struct patch *patch);

/* Sites in memory that was unmapped. Their islands stay: somebody may have kept their address. */
void site_forget(struct site_table *table, uintptr_t start, uintptr_t end,
		 struct near_memory *near);

/*
 * Copies [address, address + size) as it was before any patch: memory, with our own jumps taken
 * out. Returns -errno when the memory can't be read.
 */
int site_read_original(const struct site_table *table, const struct code_writer *writer,
		       uintptr_t address, uint8_t *out, size_t size);

/* Adds the edits that bring an entry from one version's bytes (NULL: original) to another's. */
int site_edit(const struct site *site, const struct trampoline *from, const struct trampoline *to,
	      struct code_edit_set *set, struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * From the closure to the patch file: P's objects are cut down to what the patch carries,
 * references to the target move from their relocations to the side table, and the target's own
 * compiler driver links the result.
 */
#ifndef BUILDER_EMIT_H
#define BUILDER_EMIT_H

#include "session.h"
#include "tables.h"

/* A symbol of the side table that has been written already. */
struct emit_symbol {
	uint32_t kind;
	uint32_t flags;
	uint64_t value;
	const char *name;
	uint64_t depend; /* depend_ref */
	uint64_t offset; /* in .suture.symbols */
};

/* A slot, and the stub that jumps through it. */
struct emit_slot {
	uint64_t symbol; /* in .suture.symbols */
	uint32_t form;	 /* enum arch_reloc_form */
	uint64_t offset;
	bool has_stub;
	uint64_t stub;
};

/* A new variable, of this unit or another one, and its symbol. */
struct emit_variable {
	const struct part *part;
	uint64_t symbol; /* in .suture.symbols */
};

/* One cut-down object in the making. */
struct emit {
	struct session *session;
	struct unit *unit;
	struct writer writer;
	struct tables tables;
	uint32_t *sections; /* P's section → writer's, 0: dropped */
	uint32_t *symbols;  /* P's symbol → writer's */
	uint32_t *outside;  /* P's symbol → writer's, of another unit of the patch */
	uint32_t slots;	    /* section of slots, 0: none so far */
	uint32_t stubs;
	struct emit_symbol *known;
	size_t known_count;
	size_t known_capacity;
	struct emit_variable *variables;
	size_t variable_count;
	size_t variable_capacity;
	struct emit_slot *slot_list;
	size_t slot_count;
	size_t slot_capacity;
};

/* Writes the cut-down object of one unit to path. */
int emit_unit(struct session *session, struct unit *unit, const char *path);

/* Writes header, module and provenance to path. */
int emit_meta(struct session *session, const char *path);

/* Translates the relocations of a kept section of P (emit_reloc.c). */
int emit_relocs(struct emit *emit, uint32_t section);

/* One relocation of section `index` of P; its offset is that in the section's copy. */
int emit_reloc(struct emit *emit, uint32_t index, const struct object_reloc *reloc);

/* Is the address known at run time only, so that it may not fit into the field? */
bool emit_is_far(struct emit *emit, uint32_t index, const struct object_reloc *reloc);

/*
 * The field, whose relocation is absolute, gets the distance to a slot with what that refers to.
 */
int emit_slot_reloc(struct emit *emit, uint32_t index, const struct object_reloc *reloc);

/* The relocations of a kept section that holds exception tables (emit_lsda.c). */
int emit_lsda(struct emit *emit, uint32_t section);

/* Copies what .eh_frame says about kept functions, debug information as a whole (emit_debug.c). */
int emit_frames(struct emit *emit, uint32_t section);
int emit_debug(struct emit *emit, uint32_t section);
bool emit_is_debug(const struct object_section *section);

/* Functions, data, idle functions and constructors of the unit (emit_records.c). */
int emit_records(struct emit *emit);

/* What lies around the entries of the unit's replaced functions (surroundings.c). */
int emit_surroundings(struct emit *emit);

/* The writer's symbol for the start of a part, and what to add to it. */
uint32_t emit_part_symbol(struct emit *emit, const struct part *part, int64_t *offset);

/* Dynamic names for the unit's functions, after its sections (emit_names.c). */
void emit_names(struct emit *emit);

/* What a new global thing is called between the objects of one patch. */
const char *emit_unit_name(struct emit *emit, const char *name);

/* Links the objects into output. */
int emit_link(struct session *session, const char *const *objects, size_t count,
	      const char *work_dir, const char *output);

#endif

/* SPDX-License-Identifier: MIT */
/* A walk over functions, blocks and variables with libdw; libdwfl applies the debug relocations. */
#include "identity.h"

#include "base/error.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

struct walk {
	struct arena *arena;
	struct part_set *set;
	Dwfl_Module *module;
	identity_visit *visit; /* of variables; NULL: everything is noted in the parts */
	bool uses;	       /* visit is for what a function's code has, not for variables */
	void *context;
};

/* The part at an address that libdwfl made up for the sections of an object. */
static struct part *part_of(struct walk *walk, Dwarf_Addr address)
{
	Dwarf_Addr offset = address;
	Elf32_Word section = 0;
	int index = dwfl_module_relocate_address(walk->module, &offset);

	if (index < 0 || !dwfl_module_relocation_info(walk->module, (unsigned)index, &section))
		return NULL;
	if (section == 0 || section >= walk->set->object->section_count)
		return NULL;
	return part_at(walk->set, section, (int64_t)offset);
}

static void note(struct walk *walk, Dwarf_Die *die, struct part *part, const char *owner)
{
	const char *file = dwarf_decl_file(die);
	int line = 0;

	if (!part || part->identity.line || dwarf_decl_line(die, &line) || line <= 0)
		return;
	part->identity.owner = arena_text(walk->arena, owner);
	part->identity.file = arena_text(walk->arena, file);
	part->identity.line = (unsigned)line;
}

static void note_variable(struct walk *walk, Dwarf_Die *die, const char *owner)
{
	Dwarf_Attribute attribute;
	Dwarf_Attribute indexed;
	Dwarf_Addr address;
	Dwarf_Op *ops;
	size_t count;

	if (walk->visit && dwarf_hasattr(die, DW_AT_declaration))
		walk->visit(walk->context, die, NULL);
	if (!dwarf_attr(die, DW_AT_location, &attribute) ||
	    dwarf_getlocation(&attribute, &ops, &count) || count != 1)
		return;
	address = ops[0].number;
	/* An index into a table of addresses, as clang has it. */
	if (ops[0].atom == DW_OP_addrx || ops[0].atom == DW_OP_GNU_addr_index) {
		if (dwarf_getlocation_attr(&attribute, ops, &indexed) ||
		    dwarf_formaddr(&indexed, &address))
			return;
	} else if (ops[0].atom != DW_OP_addr) {
		return;
	}
	if (walk->visit)
		walk->visit(walk->context, die, part_of(walk, address));
	else
		note(walk, die, part_of(walk, address), owner);
}

/* The name that tells a function from all others of the unit. */
static const char *function_name(Dwarf_Die *die)
{
	Dwarf_Attribute attribute;
	const char *name = NULL;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	return name ? name : dwarf_diename(die);
}

/* The part of a function that has code, else NULL. */
static struct part *note_function(struct walk *walk, Dwarf_Die *die)
{
	struct part *part;
	Dwarf_Addr base;
	Dwarf_Addr start;
	Dwarf_Addr end;

	/* A function with a cold part has ranges; the first is its own. */
	if (dwarf_lowpc(die, &start) && dwarf_ranges(die, 0, &base, &start, &end) <= 0)
		return NULL;
	part = part_of(walk, start);
	if (!part || part->kind != PART_FUNCTION)
		return NULL;
	if (!walk->visit)
		note(walk, die, part, NULL);
	return part;
}

static void note_inlined(struct walk *walk, struct part *into, const char *name)
{
	struct part_identity *identity;

	if (!into || !name || walk->visit)
		return;
	identity = &into->identity;
	identity->inlined = arena_grow(walk->arena, identity->inlined, identity->inlined_count,
				       &identity->inlined_capacity, sizeof(*identity->inlined));
	if (identity->inlined)
		identity->inlined[identity->inlined_count++] = arena_text(walk->arena, name);
}

/* owner is the function that declares what stands here, part the one whose code it is. */
static void walk_children(struct walk *walk, Dwarf_Die *parent, const char *owner,
			  struct part *part, int depth)
{
	Dwarf_Die die;

	if (depth > MAX_DEPTH || dwarf_child(parent, &die) != 0)
		return;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_subprogram:
			walk_children(walk, &die, function_name(&die), note_function(walk, &die),
				      depth + 1);
			break;
		case DW_TAG_formal_parameter:
		case DW_TAG_variable:
			if (!walk->uses)
				note_variable(walk, &die, owner);
			else if (part)
				walk->visit(walk->context, &die, part);
			break;
		case DW_TAG_inlined_subroutine:
			note_inlined(walk, part, function_name(&die));
			walk_children(walk, &die, function_name(&die), part, depth + 1);
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_namespace:
		case DW_TAG_class_type:
		case DW_TAG_structure_type:
			walk_children(walk, &die, owner, part, depth + 1);
			break;
		default:
			break;
		}
	} while (dwarf_siblingof(&die, &die) == 0);
}

static int walk_object(struct walk *walk, struct suture_error *err)
{
	static const Dwfl_Callbacks callbacks = {
		.find_elf = dwfl_build_id_find_elf,
		.find_debuginfo = dwfl_standard_find_debuginfo,
		.section_address = dwfl_offline_section_address,
	};
	const char *path = walk->set->object->path;
	Dwarf_Die *unit = NULL;
	Dwarf_Addr bias;
	Dwfl *dwfl;

	if (!*path)
		return 0;
	dwfl = dwfl_begin(&callbacks);
	if (!dwfl)
		return error_no_memory(err);
	walk->module = dwfl_report_offline(dwfl, path, path, -1);
	dwfl_report_end(dwfl, NULL, NULL);
	while (walk->module && (unit = dwfl_module_nextcu(walk->module, unit, &bias)))
		walk_children(walk, unit, NULL, NULL, 0);
	dwfl_end(dwfl);
	return arena_check(walk->arena, err);
}

int identity_read(struct arena *arena, struct part_set *set, struct suture_error *err)
{
	struct walk walk = {.arena = arena, .set = set};

	return walk_object(&walk, err);
}

int identity_variables(struct arena *arena, struct part_set *set, identity_visit *visit,
		       void *context, struct suture_error *err)
{
	struct walk walk = {.arena = arena, .set = set, .visit = visit, .context = context};

	return walk_object(&walk, err);
}

int identity_uses(struct arena *arena, struct part_set *set, identity_visit *visit, void *context,
		  struct suture_error *err)
{
	struct walk walk = {
		.arena = arena, .set = set, .visit = visit, .uses = true, .context = context};

	return walk_object(&walk, err);
}

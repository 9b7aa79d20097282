/* SPDX-License-Identifier: MIT */
/* A walk over functions, blocks and variables with libdw; libdwfl applies the debug relocations. */
#include "identity.h"

#include "base/error.h"
#include "builder/debuginfo.h"

#include <dwarf.h>
#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

struct walk {
	struct arena *arena;
	struct part_set *set;	    /* that is described */
	const struct part_set *own; /* whose DWARF is read: the set, or its description */
	Dwfl_Module *module;
	identity_visit *visit; /* of variables; NULL: everything is noted in the parts */
	bool uses;	       /* visit is for what a function's code has, not for variables */
	void *context;
	struct search *search; /* identity_declares() */
};

struct search {
	const struct part_identity *sought;
	enum identity_declaration found;
};

/* The section and offset of an address that libdwfl made up for the sections of an object. */
static uint32_t section_of(const struct walk *walk, Dwarf_Addr *address)
{
	Elf32_Word section = 0;
	int index = dwfl_module_relocate_address(walk->module, address);

	if (index < 0 || !dwfl_module_relocation_info(walk->module, (unsigned)index, &section))
		return 0;
	return section < walk->own->object->section_count ? section : 0;
}

/* What a part of the object with the DWARF is in the set. */
static struct part *meant(const struct walk *walk, struct part *part)
{
	return part && walk->own != walk->set ? part->coded : part;
}

static struct part *part_of(const struct walk *walk, Dwarf_Addr address)
{
	uint32_t section = section_of(walk, &address);

	return section ? meant(walk, part_at(walk->own, section, (int64_t)address)) : NULL;
}

static bool declaration(Dwarf_Die *die, unsigned *line)
{
	int number = 0;

	if (dwarf_decl_line(die, &number) || number <= 0)
		return false;
	*line = (unsigned)number;
	return true;
}

static void note(struct walk *walk, Dwarf_Die *die, struct part *part, const char *owner)
{
	unsigned line;

	if (!part || part->identity.line || !declaration(die, &line))
		return;
	part->identity.owner = arena_text(walk->arena, owner);
	part->identity.file = arena_text(walk->arena, debuginfo_file(die));
	part->identity.line = line;
}

/* Its place is another one in each thread. */
static bool is_thread_local(const Dwarf_Op *ops, size_t count)
{
	return count == 2 &&
	       (ops[1].atom == DW_OP_GNU_push_tls_address || ops[1].atom == DW_OP_form_tls_address);
}

/* By the relocation of the operand, which libdwfl leaves alone; NULL where there is none. */
static struct part *thread_local_part(const struct walk *walk, Dwarf_Die *die,
				      Dwarf_Attribute *location)
{
	const struct object *object = walk->own->object;
	const struct object_reloc *relocs;
	uint32_t section = 1;
	Dwarf_Block block;
	uint64_t start;
	size_t count;

	while (section < object->section_count &&
	       strcmp(object->sections[section].name, ".debug_info") != 0)
		section++;
	if (section >= object->section_count || dwarf_formblock(location, &block))
		return NULL;
	start = dwarf_dieoffset(die) + (uint64_t)(block.data - (const unsigned char *)die->addr);
	relocs = object_relocs(&object->sections[section], start, start + block.length, &count);
	if (count != 1)
		return NULL;
	return meant(walk, part_reference(walk->own, section, &relocs[0]).part);
}

/*
 * Where a variable is. Compilers take variables apart, and store one that has only two values as a
 * truth value:
 *
 *	addr two.0; piece 4; piece 4; addr two.1; piece 8
 *	addr flag; deref_size 1; lit3; mul; lit0; plus; stack_value
 *
 * Each part notes its place in the whole and what is done to its contents.
 */
static void note_variable(struct walk *walk, Dwarf_Die *die, const char *owner)
{
	struct part *part = NULL;
	Dwarf_Attribute location;
	uint64_t offset = 0;
	char form[128];
	size_t used = 0;
	Dwarf_Op *ops;
	size_t count;

	if (!dwarf_attr(die, DW_AT_location, &location) ||
	    dwarf_getlocation(&location, &ops, &count))
		return;
	if (is_thread_local(ops, count))
		note(walk, die, thread_local_part(walk, die, &location), owner);
	for (size_t i = 0; i <= count; i++) {
		bool piece = i < count && ops[i].atom == DW_OP_piece;
		Dwarf_Addr address;

		if (i < count && debuginfo_address(&location, &ops[i], &address)) {
			part = part_of(walk, address);
			form[0] = '\0';
			used = offset ? (size_t)snprintf(form, sizeof(form), "%llu",
							 (unsigned long long)offset)
				      : 0;
			note(walk, die, part, owner);
		} else if (i == count || piece) {
			if (part && part->identity.line && !part->identity.form) {
				if (piece && !offset)
					snprintf(form, sizeof(form), "0");
				part->identity.form = arena_text(walk->arena, form);
				part->identity.variable =
					arena_text(walk->arena, dwarf_diename(die));
			}
			part = NULL;
			offset += piece ? ops[i].number : 0;
		} else if (part && used + 48 < sizeof(form)) {
			used += (size_t)snprintf(form + used, sizeof(form) - used, ",%x:%llx",
						 ops[i].atom, (unsigned long long)ops[i].number);
		}
	}
}

/*
 * A piece of the variable, or what its truth value is made from. A value that is made from another
 * variable looks the same: that one has another name.
 */
static bool is_part_of(const struct part *part, Dwarf_Die *die, const Dwarf_Op *next)
{
	const char *name = dwarf_diename(die);

	return part && name && strstr(part->name, name) &&
	       (next->atom == DW_OP_piece || next->atom == DW_OP_deref_size ||
		next->atom == DW_OP_deref);
}

/* A variable with a place, with each part of one that was taken apart, or one declared only. */
static void visit_variable(struct walk *walk, Dwarf_Die *die)
{
	Dwarf_Attribute location;
	Dwarf_Addr address;
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_hasattr(die, DW_AT_declaration))
		walk->visit(walk->context, die, NULL);
	if (!dwarf_attr(die, DW_AT_location, &location) ||
	    dwarf_getlocation(&location, &ops, &count))
		return;
	if (is_thread_local(ops, count)) {
		walk->visit(walk->context, die, thread_local_part(walk, die, &location));
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct part *part;

		if (!debuginfo_address(&location, &ops[i], &address))
			continue;
		part = part_of(walk, address);
		if (count == 1 || (i + 1 < count && is_part_of(part, die, &ops[i + 1])))
			walk->visit(walk->context, die, part);
	}
}

/* Its value is in DWARF itself, or in memory that nobody can write. */
static bool is_constant(const struct walk *walk, Dwarf_Die *die)
{
	Dwarf_Attribute location;
	Dwarf_Addr address;
	uint32_t section;
	Dwarf_Op *ops;
	size_t count;

	if (dwarf_hasattr_integrate(die, DW_AT_const_value))
		return true;
	if (!dwarf_attr(die, DW_AT_location, &location) ||
	    dwarf_getlocation(&location, &ops, &count) || !count)
		return false;
	if (debuginfo_address(&location, &ops[0], &address)) {
		section = section_of(walk, &address);
		return section && count == 1 &&
		       !part_section_writable(&walk->own->object->sections[section]);
	}
	return count == 2 && ops[1].atom == DW_OP_stack_value &&
	       (ops[0].atom == DW_OP_constu || ops[0].atom == DW_OP_consts ||
		(ops[0].atom >= DW_OP_lit0 && ops[0].atom <= DW_OP_lit31));
}

static bool same_text(const char *left, const char *right)
{
	return strcmp(left ? left : "", right ? right : "") == 0;
}

static void compare_declaration(const struct walk *walk, Dwarf_Die *die, const char *owner)
{
	struct search *search = walk->search;
	const struct part_identity *sought = search->sought;
	unsigned line;

	if (!same_text(dwarf_diename(die), sought->variable) || !declaration(die, &line) ||
	    line != sought->line || !same_text(owner, sought->owner))
		return;
	if (is_constant(walk, die))
		search->found = IDENTITY_CONSTANT;
	else if (search->found == IDENTITY_UNDECLARED)
		search->found = IDENTITY_DECLARED;
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

	if (!into || !name || walk->visit || walk->search)
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
			if (walk->search)
				compare_declaration(walk, &die, owner);
			else if (!walk->visit)
				note_variable(walk, &die, owner);
			else if (!walk->uses)
				visit_variable(walk, &die);
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
	Dwarf_Die *unit = NULL;
	const char *path;
	Dwarf_Addr bias;
	Dwfl *dwfl;

	walk->own = walk->set->description ? walk->set->description : walk->set;
	path = walk->own->object->path;
	if (!*path)
		return 0;
	dwfl = debuginfo_open(path, &walk->module);
	if (!dwfl)
		return error_no_memory(err);
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

int identity_declares(struct arena *arena, struct part_set *set,
		      const struct part_identity *identity, enum identity_declaration *declares,
		      struct suture_error *err)
{
	struct search search = {.sought = identity};
	struct walk walk = {.arena = arena, .set = set, .search = &search};
	int code = walk_object(&walk, err);

	*declares = search.found;
	return code;
}

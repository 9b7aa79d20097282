/* SPDX-License-Identifier: MIT */
/* Variables whose type became another one; see retyped.h. */
#include "retyped.h"

#include "base/error.h"
#include "base/file.h"
#include "datum.h"
#include "identity.h"
#include "nameless.h"
#include "typename.h"

#include <dwarf.h>
#include <string.h>

/* A variable that the patch's code uses. */
struct use {
	struct part *part; /* in P; NULL: of another file */
	const char *name;  /* of all files, or NULL */
};

/* A variable that a file declares. */
struct declared {
	struct part *part; /* the use's, or its twin; NULL: known by name */
	const char *name;  /* as the linker calls it */
	const char *shown; /* as the source calls it */
	const char *type;
	unsigned line;
};

struct declared_list {
	struct declared *items;
	size_t count;
	size_t capacity;
};

struct retyped {
	struct session *session;
	struct use *uses;
	size_t use_count;
	size_t use_capacity;
	struct declared_list old;
	struct declared_list new;
	struct declared_list *into; /* one of these */
	struct strings told;	    /* variables of all files that are refused */
};

static bool is_used(const struct retyped *retyped, const struct part *part, const char *name)
{
	for (size_t i = 0; i < retyped->use_count; i++) {
		const struct use *use = &retyped->uses[i];

		if (part ? use->part == part || use->part == part->twin
			 : use->name && strcmp(use->name, name) == 0)
			return true;
	}
	return part && part->global && is_used(retyped, NULL, part->name);
}

static int note_use(struct retyped *retyped, const struct reference *reference)
{
	struct part *part = reference->part;
	const char *name = NULL;

	if (reference->kind == REFERENCE_EXTERNAL)
		name = reference->symbol->name;
	else if (reference->kind != REFERENCE_PART || part->kind != PART_DATA ||
		 !part_exists(part) || !(part->writable || part->tls))
		return 0;
	else if (part->global || part->tls)
		name = part->name;
	if (part ? is_used(retyped, part, NULL) : is_used(retyped, NULL, name))
		return 0;
	retyped->uses = arena_grow(&retyped->session->arena, retyped->uses, retyped->use_count,
				   &retyped->use_capacity, sizeof(*retyped->uses));
	if (!retyped->uses)
		return error_no_memory(retyped->session->err);
	retyped->uses[retyped->use_count++] = (struct use){part, name};
	return 0;
}

static int find_uses(struct retyped *retyped, struct unit *unit)
{
	int code = 0;

	for (uint32_t i = 1; i < unit->p.section_count; i++) {
		const struct object_section *section = &unit->p.sections[i];

		for (size_t k = 0; unit->kept[i] && !code && k < section->reloc_count; k++) {
			struct reference reference =
				part_reference(&unit->patched, i, &section->relocs[k]);

			code = note_use(retyped, &reference);
		}
	}
	return code;
}

/* How many elements a declaration speaks of says nothing of what they are. */
static bool type_of(Dwarf_Die *die, bool is_declaration, Dwarf_Die *type)
{
	Dwarf_Attribute attribute;

	if (!dwarf_attr_integrate(die, DW_AT_type, &attribute) ||
	    !dwarf_formref_die(&attribute, type))
		return false;
	while (is_declaration && typename_strip(type, false) &&
	       dwarf_tag(type) == DW_TAG_array_type)
		if (!dwarf_attr(type, DW_AT_type, &attribute) ||
		    !dwarf_formref_die(&attribute, type))
			return false;
	return true;
}

static void note_declared(void *context, Dwarf_Die *die, struct part *part)
{
	const struct scopes nowhere = {0};
	struct retyped *retyped = context;
	struct arena *arena = &retyped->session->arena;
	struct declared_list *into = retyped->into;
	const char *shown = dwarf_diename(die), *name = shown;
	cleanup_memory char *text = NULL;
	Dwarf_Attribute attribute;
	Dwarf_Die type;
	int line = 0;

	if (dwarf_attr_integrate(die, DW_AT_linkage_name, &attribute))
		name = dwarf_formstring(&attribute);
	if (!name || (part && !part->twin) || !is_used(retyped, part, name) ||
	    !type_of(die, !part, &type))
		return;
	text = typename_identity(&type, &nowhere);
	dwarf_decl_line(die, &line);
	into->items =
		arena_grow(arena, into->items, into->count, &into->capacity, sizeof(*into->items));
	if (into->items)
		into->items[into->count++] = (struct declared){
			part, arena_text(arena, name), arena_text(arena, shown ? shown : name),
			arena_text(arena, text), (unsigned)line};
	arena->failed |= !text;
}

static bool is_of(const struct declared *old, const struct declared *new)
{
	return new->part ? old->part == new->part->twin
			 : !old->part &&strcmp(old->name, new->name) == 0;
}

/* What it was, or NULL where it is the same or was not known. Declared twice: any will do. */
static const char *old_type(const struct retyped *retyped, const struct declared *new)
{
	const char *type = NULL;

	for (size_t i = 0; i < retyped->old.count; i++) {
		const struct declared *old = &retyped->old.items[i];

		if (!is_of(old, new))
			continue;
		if (nameless_same(old->type, new->type))
			return NULL;
		type = old->type;
	}
	return type;
}

static void judge(struct retyped *retyped, const struct unit *unit, const struct declared *new)
{
	struct session *session = retyped->session;
	const struct part *part = new->part;
	const struct core_data_decision *decision =
		part ? datum_decision(session, part)
		     : datum_decision(session, &(struct part){.name = new->shown,
							      .stem = strlen(new->shown)});
	const char *was = old_type(retyped, new), *next;

	if (!was || (part && part->relaid))
		return;
	if (decision && decision->policy == CORE_DATA_KEEP) {
		strings_add_format(&session->result->notes,
				   "%s in %s keeps its value, and is %s now, not %s: see that the "
				   "new code can read it",
				   new->shown, unit->source, new->type, was);
		return;
	}
	if (decision && part && part->changed)
		return; /* set, to a value of the new type */
	if (!part || part->global) {
		if (strings_contain(&retyped->told, new->name))
			return; /* one refusal for one cause */
		strings_add(&retyped->told, new->name);
	}
	next = arena_format(&session->arena,
			    "its value lives on: give the new one another name, or say --data "
			    "%s=keep where it means the same to the new code",
			    new->shown);
	if (next)
		refusals_add(&session->result->refusals, SUTURE_E_DATA_CHANGED,
			     part && part_file(part) ? part_file(part) : unit->source, new->line,
			     next, "the type of %s in %s changes: %s -> %s", new->shown,
			     unit->source, was, new->type);
}

static int check_unit(struct retyped *retyped, struct unit *unit)
{
	struct arena *arena = &retyped->session->arena;
	struct suture_error *err = retyped->session->err;
	int code;

	retyped->old.count = retyped->new.count = 0;
	retyped->into = &retyped->old;
	code = identity_variables(arena, &unit->original, note_declared, retyped, err);
	retyped->into = &retyped->new;
	if (!code && retyped->old.count)
		code = identity_variables(arena, &unit->patched, note_declared, retyped, err);
	for (size_t i = 0; !code && i < retyped->new.count; i++)
		judge(retyped, unit, &retyped->new.items[i]);
	return code;
}

int retyped_check(struct session *session)
{
	struct retyped retyped = {.session = session};
	int code = 0;

	for (size_t i = 0; !code && i < session->unit_count; i++)
		code = find_uses(&retyped, &session->units[i]);
	for (size_t i = 0; !code && retyped.use_count && i < session->unit_count; i++)
		code = check_unit(&retyped, &session->units[i]);
	if (!code && !strings_ok(&retyped.told))
		code = error_no_memory(session->err);
	strings_fini(&retyped.told);
	return code ? code : refusals_check(&session->result->refusals, session->err);
}

/* SPDX-License-Identifier: MIT */
/* New variables and their constructors; see variables.h. */
#include "variables.h"

#include "author.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "bind.h"
#include "identity.h"
#include "typelayout.h"

#include <dwarf.h>
#include <string.h>

struct variable *variables_of(const struct session *session, const struct part *part)
{
	for (size_t i = 0; part && i < session->variable_count; i++)
		if (session->variables[i].part == part)
			return &session->variables[i];
	return NULL;
}

static bool is_variable(const struct unit *unit, const struct part *part)
{
	bool carried =
		part->section == OBJECT_COMMON ? part->because != NULL : unit->kept[part->section];

	return carried && part->kind == PART_DATA && part->writable && !part->tls &&
	       !part_exists(part) && part->size && !author_is_slot(unit, part);
}

static int add(struct session *session, struct unit *unit, struct part *part)
{
	session->variables =
		arena_grow(&session->arena, session->variables, session->variable_count,
			   &session->variable_capacity, sizeof(*session->variables));
	if (!session->variables)
		return error_no_memory(session->err);
	session->variables[session->variable_count++] =
		(struct variable){.unit = unit, .part = part};
	return 0;
}

/* "a" declared by f twice: which is which can't be said of another compilation. */
static void mark_ambiguous(struct session *session)
{
	for (size_t i = 0; i < session->variable_count; i++) {
		struct variable *a = &session->variables[i];

		for (size_t k = 0; k < i; k++) {
			struct variable *b = &session->variables[k];
			const char *left = a->part->identity.owner,
				   *right = b->part->identity.owner;

			if (a->unit != b->unit || a->part->stem != b->part->stem ||
			    strncmp(a->part->name, b->part->name, a->part->stem) != 0 ||
			    strcmp(left ? left : "", right ? right : "") != 0)
				continue;
			a->ambiguous = b->ambiguous = true;
		}
	}
}

static void note_type(void *context, Dwarf_Die *die, struct part *part)
{
	struct session *session = context;
	struct variable *variable = variables_of(session, part);
	cleanup_memory char *text = NULL;
	Dwarf_Attribute attribute;
	Dwarf_Die type;

	/* Of a variable that is taken apart a part has no type of its own. */
	if (!variable || (part->identity.form && *part->identity.form) ||
	    !dwarf_attr_integrate(die, DW_AT_type, &attribute) ||
	    !dwarf_formref_die(&attribute, &type))
		return;
	text = typelayout_text(&type);
	if (text)
		hash_bytes((uint8_t *)text, strlen(text), variable->type);
	else
		session->arena.failed = true;
}

/* A search through the code that a constructor runs. */
struct making {
	struct session *session;
	struct unit *unit;
	size_t constructor;
	bool *seen; /* by section of P */
};

static int note_made(struct making *making, struct variable *variable)
{
	struct session *session = making->session;

	for (size_t i = 0; i < session->construct_count; i++)
		if (session->constructs[i].unit == making->unit &&
		    session->constructs[i].constructor == making->constructor &&
		    session->constructs[i].variable == variable)
			return 0;
	session->constructs =
		arena_grow(&session->arena, session->constructs, session->construct_count,
			   &session->construct_capacity, sizeof(*session->constructs));
	if (!session->constructs)
		return error_no_memory(session->err);
	session->constructs[session->construct_count++] = (struct construct){
		.unit = making->unit, .constructor = making->constructor, .variable = variable};
	return 0;
}

static int follow(struct making *making, uint32_t index)
{
	const struct object_section *section = &making->unit->p.sections[index];
	int code = 0;

	if (making->seen[index])
		return 0;
	making->seen[index] = true;
	for (size_t i = 0; !code && i < section->reloc_count; i++) {
		struct bound bound =
			bind_reference(making->session, making->unit, index, &section->relocs[i]);
		struct part *part = bound.reference.part;
		struct variable *variable = variables_of(making->session, part);

		if (variable)
			code = note_made(making, variable);
		/* Helpers of the file itself: others construct nothing for it. */
		else if (bound.kind == BOUND_OWN && part && part->kind == PART_FUNCTION &&
			 !part->global && part->section < making->unit->p.section_count)
			code = follow(making, part->section);
	}
	return code;
}

static int find_made(struct session *session, struct unit *unit)
{
	int code = 0;

	for (size_t i = 0; !code && i < unit->constructor_count; i++) {
		struct making making = {.session = session, .unit = unit, .constructor = i};

		making.seen = arena_array(&session->arena, unit->p.section_count, sizeof(bool));
		if (!making.seen)
			return error_no_memory(session->err);
		code = follow(&making, unit->constructors[i]->section);
	}
	return code;
}

int variables_find(struct session *session)
{
	size_t before;
	int code = 0;

	for (size_t i = 0; !code && i < session->unit_count; i++) {
		struct unit *unit = &session->units[i];

		before = session->variable_count;
		for (size_t k = 0; !code && k < unit->patched.count; k++)
			if (is_variable(unit, unit->patched.list[k]))
				code = add(session, unit, unit->patched.list[k]);
		if (!code && session->variable_count > before)
			code = identity_variables(&session->arena, &unit->patched, note_type,
						  session, session->err);
	}
	mark_ambiguous(session);
	for (size_t i = 0; !code && i < session->unit_count; i++)
		code = find_made(session, &session->units[i]);
	return code;
}

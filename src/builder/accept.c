/* SPDX-License-Identifier: MIT */
/* Accepted types, their migrations and their users; see accept.h. */
#include "accept.h"

#include "base/error.h"
#include "identity.h"
#include "typename.h"
#include "types.h"

#include <dwarf.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

static bool is_type(const struct type *type, const char *name)
{
	return !type->is_function && !type->is_enum && strcmp(typename_last(type->name), name) == 0;
}

/* Its size in an object; 0 where the object doesn't know the type, or knows several. */
static int size_in(const char *path, const char *name, uint64_t *size, struct suture_error *err)
{
	struct types types = {0};
	int code = types_read(path, &types, err);

	*size = 0;
	for (size_t i = 0; !code && i < types.count; i++) {
		if (!is_type(&types.list[i], name) || !types.list[i].size)
			continue;
		if (*size && *size != types.list[i].size) {
			*size = 0;
			break;
		}
		*size = types.list[i].size;
	}
	types_fini(&types);
	return code;
}

static int find_sizes(struct session *session, struct migration *migration)
{
	const struct unit_objects *input = migration->unit->input;
	int code = input->o_path ? size_in(input->o_path, migration->type, &migration->old_size,
					   session->err)
				 : 0;

	if (!code)
		code = size_in(input->p_path, migration->type, &migration->new_size, session->err);
	if (!code && (!migration->old_size || !migration->new_size))
		refusals_add(&session->result->refusals, SUTURE_E_LAYOUT_CHANGED, input->source, 0,
			     "put it into a file that uses one type of that name",
			     "SUTURE_MIGRATE(%s) in %s: the size of %s is not known there, before "
			     "and after the diff",
			     migration->type, input->source, migration->type);
	return code;
}

static const struct migration *migration_of(const struct session *session, const char *name)
{
	for (size_t i = 0; i < session->migration_count; i++)
		if (strcmp(session->migrations[i].type, name) == 0)
			return &session->migrations[i];
	return NULL;
}

/* Does the type, or what it points to or is made of arrays of, have the name? */
static bool leads_to(Dwarf_Die type, const char *name)
{
	for (unsigned i = 0; i < DEPTH_MAX; i++) {
		const char *own = dwarf_diename(&type);
		Dwarf_Attribute attribute;

		switch (dwarf_tag(&type)) {
		case DW_TAG_structure_type:
		case DW_TAG_class_type:
		case DW_TAG_union_type:
			return own && strcmp(own, name) == 0;
		case DW_TAG_typedef:
			if (own && strcmp(own, name) == 0)
				return true;
			break;
		default:
			break;
		}
		if (!dwarf_attr_integrate(&type, DW_AT_type, &attribute) ||
		    !dwarf_formref_die(&attribute, &type))
			return false;
	}
	return false;
}

/* The unit at work. */
struct users {
	struct session *session;
	struct unit *unit;
};

static void add_user(struct users *users, struct part *part, const char *type)
{
	struct session *session = users->session;

	for (size_t i = 0; i < session->idle_count; i++)
		if (session->idle[i].part == part)
			return;
	session->idle = arena_grow(&session->arena, session->idle, session->idle_count,
				   &session->idle_capacity, sizeof(*session->idle));
	if (session->idle)
		session->idle[session->idle_count++] =
			(struct idle){.unit = users->unit,
				      .part = part,
				      .because = arena_format(&session->arena, "it uses %s", type)};
}

/* The accepted type that a parameter or variable leads to, or NULL. */
static const char *accepted_type(const struct users *users, Dwarf_Die *die)
{
	const struct core_options *options = users->session->options;
	Dwarf_Attribute attribute;
	Dwarf_Die type;

	if (!dwarf_attr_integrate(die, DW_AT_type, &attribute) ||
	    !dwarf_formref_die(&attribute, &type))
		return NULL;
	for (size_t i = 0; i < options->accepted_count; i++)
		if (leads_to(type, typename_last(options->accepted[i])))
			return options->accepted[i];
	return NULL;
}

static void note_use(void *context, Dwarf_Die *die, struct part *part)
{
	struct users *users = context;
	const char *type = part->has_target && part->target_size ? accepted_type(users, die) : NULL;

	if (type)
		add_user(users, part, type);
}

/* A variable of the type, of this file or another one: who refers to it uses it. */
static void note_variable(void *context, Dwarf_Die *die, struct part *variable)
{
	struct users *users = context;
	const struct part_set *set = &users->unit->original;
	const char *type = accepted_type(users, die), *name = dwarf_diename(die);

	for (size_t i = 0; type && name && i < set->count; i++) {
		struct part *part = set->list[i];
		const struct object_reloc *relocs;
		size_t count;

		if (part->kind != PART_FUNCTION || !part->has_target || !part->target_size)
			continue;
		relocs = object_relocs(&set->object->sections[part->section], part->start,
				       part->start + part->size, &count);
		for (size_t k = 0; k < count; k++) {
			struct reference ref = part_reference(set, part->section, &relocs[k]);

			if (variable ? ref.part == variable
				     : ref.kind == REFERENCE_EXTERNAL &&
					       strcmp(ref.symbol->name, name) == 0)
				add_user(users, part, type);
		}
	}
}

/* Those of O, with their parts elsewhere. */
static int find_users(struct session *session, struct unit *unit)
{
	struct users users = {.session = session, .unit = unit};
	size_t before = session->idle_count, found;
	int code = identity_uses(&session->arena, &unit->original, note_use, &users, session->err);

	if (!code)
		code = identity_variables(&session->arena, &unit->original, note_variable, &users,
					  session->err);
	found = session->idle_count;

	for (size_t i = 0; !code && i < unit->original.count; i++) {
		struct part *part = unit->original.list[i];

		for (size_t k = before; part->kind == PART_CHILD && part->has_target && k < found;
		     k++)
			if (session->idle[k].part == part->parent)
				add_user(&users, part,
					 session->idle[k].because + strlen("it uses "));
	}
	return code;
}

/* Lambdas are never migrated: those that live keep their code (recapture.h). */
static bool is_lambda(const char *accepted)
{
	return strstr(accepted, "closure at line ") != NULL;
}

int accept_find(struct session *session)
{
	const struct core_options *options = session->options;
	int code = 0;

	for (size_t i = 0; !code && i < session->migration_count; i++)
		code = find_sizes(session, &session->migrations[i]);
	for (size_t i = 0; !code && i < options->accepted_count; i++)
		if (!is_lambda(options->accepted[i]) &&
		    !migration_of(session, typename_last(options->accepted[i])))
			refusals_add(
				&session->result->refusals, SUTURE_E_LAYOUT_CHANGED, NULL, 0,
				"write SUTURE_MIGRATE() for it, see suture-authoring(7)",
				"--accept-layout %s: the diff has no SUTURE_MIGRATE(%s, …) for "
				"the objects that live",
				options->accepted[i], typename_last(options->accepted[i]));
	for (size_t i = 0; !code && options->accepted_count && i < session->unit_count; i++)
		code = find_users(session, &session->units[i]);
	return code ? code : arena_check(&session->arena, session->err);
}

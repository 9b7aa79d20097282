/* SPDX-License-Identifier: MIT */
/* Variables whose storage the compiler changed; see storage.h. */
#include "storage.h"

#include "difference.h"
#include "identity.h"
#include "nameindex.h"

#include "base/error.h"

#include <string.h>

static const char next_new[] = "let the new code use a new variable, with a name of its own";
static const char next_old[] =
	"if it is not used any more, remove its declaration; else keep what changes it, or move "
	"the change into code that does not touch it";

static void refuse(struct session *session, const struct unit *unit, const struct part *part,
		   const char *next, const char *text)
{
	refusals_add(&session->result->refusals, SUTURE_E_UNSUPPORTED,
		     part->identity.file ? part->identity.file : unit->source, part->identity.line,
		     next, "the running value of %s in %s would be lost: %s",
		     part->identity.variable, unit->source, text);
}

/* Values of one unit's own variables: what other units see, compilers leave alone. */
static bool is_private(const struct part *part)
{
	return part->kind == PART_DATA && part->writable && !part->tls && !part->global &&
	       part->identity.variable && part->identity.line;
}

static bool same_text(const char *left, const char *right)
{
	return strcmp(left ? left : "", right ? right : "") == 0;
}

static bool same_declaration(const struct part_identity *left, const struct part_identity *right)
{
	return left->line == right->line && same_text(left->variable, right->variable) &&
	       same_text(left->owner, right->owner);
}

/*
 * Does O store a variable of that declaration as this one is stored? Then that is another one: of
 * another instance of the template.
 */
static bool has_sibling(const struct part_set *original, const struct part *part)
{
	for (size_t i = 0; i < original->count; i++) {
		const struct part *other = original->list[i];

		if (other->kind == PART_DATA && other->twin && other->identity.form &&
		    same_declaration(&other->identity, &part->identity) &&
		    same_text(other->identity.form, part->identity.form))
			return true;
	}
	return false;
}

static bool is_variable(const struct part *part)
{
	return part->kind == PART_DATA && part->writable && !part->tls && !part->unpaired &&
	       part->identity.variable;
}

/* A variable of that size that the diff takes out of the file, of that name if there is one. */
static const struct part *taken_out(const struct unit *unit, const struct part *new)
{
	const struct part *found = NULL;

	for (size_t i = 0; i < unit->original.count; i++) {
		const struct part *part = unit->original.list[i];

		if (!is_variable(part) || !part->has_target || part->twin ||
		    part->size != new->size || part->weak != new->weak)
			continue;
		if (same_text(part->identity.variable, new->identity.variable))
			return part;
		found = found ? found : part;
	}
	return found;
}

/* One in the program, whatever files have it, and one of many of that short name: all of it, once.
 */
static void note_renamed_inline(struct session *session, const struct part *part,
				const struct part *old)
{
	const char *text = arena_format(&session->arena,
					"%s is a new variable and begins with its initial value; "
					"the running value of %s, which the patched code does "
					"without, is not taken over",
					part->name, old->name);

	if (text)
		strings_add_once(&session->result->notes, text);
}

/*
 * A variable that is renamed, or whose function, class or namespace is, or that is moved into one
 * or out of it, is another one: what it was holds its value for a revert, and the new one starts
 * anew.
 */
static void note_renamed(struct session *session, const struct unit *unit)
{
	for (size_t i = 0; i < unit->patched.count; i++) {
		const struct part *part = unit->patched.list[i];
		const struct part *old;

		if (!is_variable(part) || part_exists(part) || part->was_constant ||
		    part->section == OBJECT_COMMON || !unit->kept[part->section])
			continue;
		old = taken_out(unit, part);
		if (old && part->weak)
			note_renamed_inline(session, part, old);
		else if (old)
			strings_add_format(&session->result->notes,
					   "%s in %s is a new variable and begins with its initial "
					   "value; the running value of %s, which the diff takes "
					   "out, is not taken over",
					   part->identity.variable, unit->source,
					   old->identity.variable);
	}
}

/* Tables of functions and names are what programs register by address. */
static void note_anew(struct session *session, const struct unit *unit)
{
	for (size_t i = 0; i < unit->patched.count; i++) {
		const struct part *part = unit->patched.list[i];

		if (!part->anew || !unit->kept[part->section] ||
		    !difference_has_addresses(unit->patched.object, part))
			continue;
		strings_add_format(&session->result->notes,
				   "%s in %s is another table for the patched code: where the "
				   "program has stored the address of the old one, that stays in "
				   "use",
				   part->name, unit->source);
	}
}

int storage_check_new(struct session *session, struct unit *unit)
{
	int code = 0;

	for (size_t i = 0; i < unit->patched.count && !code && unit->input->o_path; i++) {
		const struct part *part = unit->patched.list[i];
		enum identity_declaration before = IDENTITY_UNDECLARED;

		if (!is_private(part) || part_exists(part) || part->was_constant ||
		    part->unpaired || !unit->kept[part->section])
			continue;
		code = identity_declares(&session->arena, &unit->original, &part->identity, &before,
					 session->err);
		if (!code && before == IDENTITY_DECLARED && !has_sibling(&unit->original, part))
			refuse(session, unit, part, next_new,
			       "the compiler has taken it apart or out of the binary, and the "
			       "patched code needs it whole");
	}
	note_renamed(session, unit);
	note_anew(session, unit);
	return code;
}

/* Does code that the patch brings refer to it? */
static bool used(const struct unit *unit, const struct part *part)
{
	const struct part_set *set = &unit->patched;

	for (size_t i = 0; i < set->count; i++) {
		const struct part *user = set->list[i];
		const struct object_reloc *relocs;
		size_t count;

		if (!user->changed || user->section == OBJECT_COMMON)
			continue;
		relocs = object_relocs(&set->object->sections[user->section], user->start,
				       user->start + user->size, &count);
		for (size_t k = 0; k < count; k++)
			if (part_reference(set, user->section, &relocs[k]).part == part)
				return true;
	}
	return false;
}

static bool replaces_any(const struct unit *unit)
{
	for (size_t i = 0; i < unit->patched.count; i++)
		if (unit->patched.list[i]->replaced)
			return true;
	return false;
}

/* Does P have a variable of that declaration, and is it this part in another form? */
enum fate { FATE_SAME, FATE_GONE, FATE_OTHER_FORM };

static enum fate fate_of(const struct unit *unit, const struct name_index *variables,
			 const struct part *part)
{
	const char *name = part->identity.variable;
	enum fate fate = FATE_GONE;
	size_t count;
	const struct name_entry *named = name_index_find(variables, name, strlen(name), &count);

	for (size_t i = 0; i < count; i++) {
		const struct part *now = unit->patched.list[named[i].value];

		if (!same_declaration(&now->identity, &part->identity))
			continue;
		if (same_text(now->identity.form, part->identity.form))
			return FATE_SAME;
		fate = used(unit, now) ? FATE_OTHER_FORM : fate;
	}
	return fate;
}

static bool index_variables(struct arena *arena, const struct part_set *set,
			    struct name_index *variables)
{
	if (!name_index_init(variables, arena, set->count))
		return false;
	for (size_t i = 0; i < set->count; i++) {
		const char *name = set->list[i]->identity.variable;

		if (set->list[i]->kind == PART_DATA && name)
			name_index_add(variables, name, strlen(name), i);
	}
	name_index_sort(variables);
	return true;
}

int storage_check_old(struct session *session, struct unit *unit)
{
	struct name_index variables;
	int code = 0;

	if (!replaces_any(unit))
		return 0;
	if (!index_variables(&session->arena, &unit->patched, &variables))
		return error_no_memory(session->err);
	for (size_t i = 0; i < unit->original.count && !code; i++) {
		const struct part *part = unit->original.list[i];
		enum identity_declaration after = IDENTITY_UNDECLARED;

		if (!is_private(part) || !part->has_target || part->unpaired)
			continue;
		switch (fate_of(unit, &variables, part)) {
		case FATE_SAME:
			continue;
		case FATE_OTHER_FORM:
			refuse(session, unit, part, next_new,
			       "the compiler stores it in another form in the patched code");
			continue;
		case FATE_GONE:
			break;
		}
		if (part->twin)
			continue;
		code = identity_declares(&session->arena, &unit->patched, &part->identity, &after,
					 session->err);
		if (!code && after != IDENTITY_UNDECLARED)
			refuse(session, unit, part, next_old,
			       "nothing in the patched code changes it or reads it any more, and "
			       "the compiler puts a fixed value in its place");
	}
	return code;
}

/* SPDX-License-Identifier: MIT */
/* The gate for data. */
#include "datum.h"

#include "base/error.h"
#include "compare.h"
#include "difference.h"
#include "folded.h"
#include "relaid.h"

#include <string.h>

const struct core_data_decision *datum_decision(const struct session *session,
						const struct part *part)
{
	for (size_t i = 0; i < session->options->decision_count; i++) {
		const struct core_data_decision *decision = &session->options->decisions[i];

		/* As the linker, the source or the compiler's numbering calls it. */
		if (strcmp(decision->variable, part->name) == 0 ||
		    (part->identity.variable &&
		     strcmp(decision->variable, part->identity.variable) == 0) ||
		    (strlen(decision->variable) == part->stem &&
		     strncmp(decision->variable, part->name, part->stem) == 0))
			return decision;
	}
	return NULL;
}

/* Of what is inline several files have a copy, and the program has one. */
static bool is_said(const struct session *session, const struct part *part)
{
	for (size_t i = 0; i < session->data_count; i++) {
		const struct part *said = session->data[i].part;

		if (said->twin && part->twin->has_target &&
		    said->twin->target == part->twin->target && said->tls == part->tls)
			return true;
	}
	return false;
}

static int add_datum(struct session *session, struct unit *unit, struct part *part,
		     enum core_data_kind kind)
{
	part->changed = true;
	if (is_said(session, part))
		return 0;
	session->data = arena_grow(&session->arena, session->data, session->data_count,
				   &session->data_capacity, sizeof(*session->data));
	if (!session->data)
		return error_no_memory(session->err);
	session->data[session->data_count++] =
		(struct datum){.unit = unit, .part = part, .kind = kind};
	return 0;
}

/* `what` changes: "the size of". */
static void refuse(struct session *session, struct unit *unit, const struct part *part,
		   const char *next, const char *what)
{
	struct comparer comparer = {
		.arena = &session->arena, .original = &unit->original, .patched = &unit->patched};

	/* One refusal for one cause; a virtual table is a part of its class's layout. */
	if (part->relaid || (session->options->relaid_count && strncmp(part->name, "_ZTV", 4) == 0))
		return;
	refusals_add(&session->result->refusals, SUTURE_E_DATA_CHANGED,
		     part_file(part) ? part_file(part) : unit->source, part->identity.line, next,
		     "%s %s in %s changes: %s", what, part->name, unit->source,
		     difference_text(&comparer, part->twin, part));
}

static int change_writable(struct session *session, struct unit *unit, struct part *part)
{
	const struct core_data_decision *decision = datum_decision(session, part);

	if (part->size != part->twin->size) {
		refuse(session, unit, part,
		       "live objects have the old size: add a new variable instead", "the size of");
		return 0;
	}
	if (part->tls) {
		refuse(session, unit, part,
		       "threads have their copies already: set the value in code",
		       "the initial value of");
		return 0;
	}
	if (!decision) {
		refuse(session, unit, part,
		       "decide with --data VARIABLE=keep or --data VARIABLE=set",
		       "the initial value of");
		return 0;
	}
	if (part->twin->below && decision->policy == CORE_DATA_SET) {
		refuse(session, unit, part,
		       "a patch below brought it: set it in a hook, and say --data VARIABLE=keep",
		       "the initial value of");
		return 0;
	}
	return add_datum(session, unit, part,
			 decision->policy == CORE_DATA_SET ? CORE_DATUM_SET : CORE_DATUM_KEEP);
}

static bool is_code(const struct part *part)
{
	return part->kind == PART_FUNCTION || part->kind == PART_CHILD;
}

static bool family_changes(struct comparer *comparer, const struct unit *unit,
			   const struct part *family)
{
	if (!family->twin || !compare_parts(comparer, family->twin, family))
		return true;
	for (size_t i = 0; i < unit->patched.count; i++) {
		const struct part *child = unit->patched.list[i];

		if (child->parent == family &&
		    (!child->twin || !compare_parts(comparer, child->twin, child)))
			return true;
	}
	return false;
}

/*
 * A function that changes and whose labels the data hold (`static void *go[] = {&&add, &&halt}`),
 * or NULL. The labels may stand where they stood: they are of the old code all the same.
 */
static const struct part *labels_of_changed(struct comparer *comparer, const struct unit *unit,
					    const struct part *part)
{
	const struct part_set *set = &unit->patched;
	const struct object_reloc *relocs;
	size_t count;

	if (part->section == OBJECT_COMMON)
		return NULL;
	relocs = object_relocs(&set->object->sections[part->section], part->start,
			       part->start + part->size, &count);
	for (size_t i = 0; i < count; i++) {
		struct reference ref = part_reference(set, part->section, &relocs[i]);

		if (ref.kind == REFERENCE_PART && is_code(ref.part) && ref.offset != 0 &&
		    family_changes(comparer, unit, part_family(ref.part)))
			return part_family(ref.part);
	}
	return NULL;
}

/* Kept, it would lead the new code into the old. */
static int change_labels(struct session *session, struct unit *unit, struct part *part,
			 const struct part *function, bool *split)
{
	const struct core_data_decision *decision = datum_decision(session, part);

	if (!part->writable) {
		part->twin->twin = NULL;
		part->twin = NULL;
		*split = true;
		strings_add_format(&session->result->notes,
				   "%s in %s takes addresses of its own labels (%s): where the "
				   "program has stored them elsewhere, they lead into the old code",
				   function->name, unit->source, part->name);
		return 0;
	}
	part->changed = true;
	if (decision && decision->policy == CORE_DATA_SET && !part->twin->below &&
	    part->size == part->twin->size)
		return add_datum(session, unit, part, CORE_DATUM_SET);
	refusals_add(&session->result->refusals, SUTURE_E_DATA_CHANGED,
		     part_file(part) ? part_file(part) : unit->source, part->identity.line,
		     "where nobody writes it: make it const, or set it with --data VARIABLE=set",
		     "%s in %s holds addresses of labels in %s, which changes", part->name,
		     unit->source, function->name);
	return 0;
}

static int add_readers(struct session *session, struct unit *unit, const struct part *data)
{
	const struct part_set *set = &unit->original;

	for (size_t i = 0; i < set->count; i++) {
		struct part *part = set->list[i];
		const struct object_reloc *relocs;
		bool reads = false;
		size_t count;

		if (!is_code(part) || !part->has_target)
			continue;
		relocs = object_relocs(&set->object->sections[part->section], part->start,
				       part->start + part->size, &count);
		for (size_t k = 0; k < count && !reads; k++)
			reads = part_reference(set, part->section, &relocs[k]).part == data;
		if (!reads)
			continue;
		session->idle = arena_grow(&session->arena, session->idle, session->idle_count,
					   &session->idle_capacity, sizeof(*session->idle));
		if (!session->idle)
			return error_no_memory(session->err);
		session->idle[session->idle_count++] = (struct idle){
			.unit = unit,
			.part = part,
			.because = arena_format(&session->arena, "it reads %s", data->name),
		};
	}
	return 0;
}

static bool is_virtual_table(const struct part *part)
{
	return strncmp(part->name, "_ZTV", 4) == 0;
}

/* Is the one in the binary as V has it, to the last address in it? */
static bool is_proven(const struct unit *unit, const struct part *old)
{
	for (uint32_t i = 1; old->proof_name && i < unit->v.symbol_count; i++) {
		const struct object_symbol *symbol = &unit->v.symbols[i];
		const struct place *place;

		if (!object_defines(&unit->v, symbol) || strcmp(symbol->name, old->proof_name) != 0)
			continue;
		place = &unit->proof.places[symbol->section];
		return place->state == PLACE_COMPARED && place->base + symbol->value == old->target;
	}
	return false;
}

/*
 * Not where another one lies in the same place (lld folds constants too). What a library exports
 * may be used in a copy of the program's, which only the start of an object
 * leads to. Type information belongs to a class, and is judged with it. So do virtual tables, but
 * for what a class overrides: another function in a slot, and the table is as long as before.
 */
static bool changes_in_place(struct session *session, struct unit *unit, struct part *part)
{
	struct comparer comparer = {
		.arena = &session->arena, .original = &unit->original, .patched = &unit->patched};
	struct part *old = part->twin;

	if (old->below || part->size != old->size || folded_with(session, unit, part))
		return false;
	if (!difference_has_addresses(&unit->o, old) && !difference_has_addresses(&unit->p, part))
		return true;
	return (session->binary.executable || !part->global) &&
	       (strncmp(part->name, "_ZT", 3) != 0 ||
		(is_virtual_table(part) && is_proven(unit, old))) &&
	       difference_can_be_written(&comparer, old, part);
}

/* Sets *split when the new one is another object from now on, so that its readers change. */
static int change_constant(struct session *session, struct unit *unit, struct part *part,
			   bool *split)
{
	struct part *old = part->twin;

	if (changes_in_place(session, unit, part)) {
		int code = add_datum(session, unit, part, CORE_DATUM_CONST);

		/* Of a virtual table calls read one slot; what refers to it all makes objects. */
		return code || is_virtual_table(part) ? code : add_readers(session, unit, old);
	}
	/* Living objects lead to theirs: another one beside it would be for new objects alone. */
	if (is_virtual_table(part)) {
		refuse(session, unit, part,
		       "leave what the class overrides as it is, and change what it calls",
		       "the constant");
		return 0;
	}
	if (part->global) {
		refuse(session, unit, part,
		       "other files may read it: leave it, and let the functions that need the "
		       "change use a new table of another name",
		       "the constant");
		return 0;
	}
	part->twin = NULL;
	part->anew = true;
	old->twin = NULL;
	*split = true;
	return 0;
}

/*
 * Nobody wrote it, so the compiler made it constant; now somebody does. The new code gets a
 * variable of its own, and with it all readers in this file: there are no others.
 */
static void make_writable(struct session *session, struct unit *unit, struct part *part,
			  struct comparer *comparer, bool *split)
{
	if (part->global || !compare_parts(comparer, part->twin, part)) {
		refuse(session, unit, part,
		       "it lies in memory that can't be written: give the new one another name",
		       "the constant");
		part->changed = true;
		return;
	}
	part->twin->twin = NULL;
	part->twin = NULL;
	part->was_constant = true;
	*split = true;
}

int datum_find(struct session *session, struct unit *unit)
{
	struct comparer comparer = {
		.arena = &session->arena, .original = &unit->original, .patched = &unit->patched};
	bool split = true;
	int code = relaid_mark(session, unit);

	if (code)
		return code;
	/* A table of pointers changes along with what it points to: until nothing more does. */
	while (split) {
		split = false;
		for (size_t i = 0; i < unit->patched.count; i++) {
			struct part *part = unit->patched.list[i];
			const struct part *function;

			if (part->kind != PART_DATA || part->changed || !part_exists(part))
				continue;
			if (part->twin->lost) {
				part->changed = !compare_parts(&comparer, part->twin, part);
				continue;
			}
			if (part->writable && !part->tls && !part->twin->writable) {
				make_writable(session, unit, part, &comparer, &split);
				continue;
			}
			function = labels_of_changed(&comparer, unit, part);
			if (function) {
				code = change_labels(session, unit, part, function, &split);
				if (code)
					return code;
				continue;
			}
			if (compare_parts(&comparer, part->twin, part))
				continue;
			part->changed = true;
			if (part->writable || part->tls)
				code = change_writable(session, unit, part);
			else
				code = change_constant(session, unit, part, &split);
			if (code)
				return code;
		}
	}
	return 0;
}

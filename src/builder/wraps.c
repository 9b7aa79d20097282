/* SPDX-License-Identifier: MIT */
/* From the proof to names; see wraps.h. */
#include "wraps.h"

#include "base/error.h"

#include <string.h>

static const char real_prefix[] = "__real_";
static const size_t real_length = sizeof(real_prefix) - 1;

static const struct wrap *find(const struct session *session, const char *name)
{
	for (size_t i = 0; i < session->wrap_count; i++)
		if (strcmp(session->wraps[i].name, name) == 0)
			return &session->wraps[i];
	return NULL;
}

static int note(struct session *session, const struct unit *unit, const char *name, bool wrapped)
{
	const struct wrap *known = find(session, name);
	struct wrap *list;

	if (known && known->wrapped != wrapped)
		refusals_add(&session->result->refusals, SUTURE_E_VERIFY_MISMATCH, unit->source, 0,
			     "link all files of the program with the same --wrap",
			     "%s is led to __wrap_%s in some files of the program, and not in "
			     "others",
			     name, name);
	if (known)
		return 0;
	list = arena_grow(&session->arena, session->wraps, session->wrap_count,
			  &session->wrap_capacity, sizeof(*list));
	if (!list)
		return error_no_memory(session->err);
	session->wraps = list;
	list[session->wrap_count++] = (struct wrap){name, wrapped};
	return 0;
}

static int note_unit(struct session *session, const struct unit *unit)
{
	char other[PROOF_NAME_SIZE];
	int code = 0;

	for (size_t i = 1; i < unit->v.symbol_count && !code; i++) {
		const struct object_symbol *symbol = &unit->v.symbols[i];
		const struct binding *binding = &unit->proof.bindings[i];

		if (symbol->section != OBJECT_UNDEFINED || binding->kind == BINDING_UNKNOWN)
			continue;
		if (binding->wrapped && strncmp(symbol->name, real_prefix, real_length) == 0)
			code = note(session, unit, symbol->name + real_length, true);
		else if (proof_wrapped_name(&session->binary, symbol->name, other))
			code = note(session, unit, symbol->name, binding->wrapped);
	}
	return code;
}

int wraps_apply(struct session *session, struct object *object)
{
	for (size_t i = 1; i < object->symbol_count && session->wrap_count; i++) {
		struct object_symbol *symbol = &object->symbols[i];
		const char *real = symbol->name + real_length;
		const struct wrap *wrap;

		if (symbol->section != OBJECT_UNDEFINED)
			continue;
		wrap = find(session, symbol->name);
		if (wrap && wrap->wrapped) {
			symbol->name = arena_format(&session->arena, "__wrap_%s", symbol->name);
		} else if (strncmp(symbol->name, real_prefix, real_length) == 0) {
			wrap = find(session, real);
			if (wrap && wrap->wrapped)
				symbol->name = real;
		}
	}
	if (object->description)
		return wraps_apply(session, object->description);
	return arena_check(&session->arena, session->err);
}

int wraps_settle(struct session *session)
{
	int code = 0;

	for (size_t i = 0; i < session->unit_count && !code; i++)
		code = note_unit(session, &session->units[i]);
	for (size_t i = 0; i < session->unit_count && !code; i++) {
		struct unit *unit = &session->units[i];

		code = wraps_apply(session, &unit->v);
		if (!code)
			code = wraps_apply(session, &unit->o);
		if (!code)
			code = wraps_apply(session, &unit->p);
	}
	return code;
}

bool wraps_unclear(const struct session *session, const char *name)
{
	char other[PROOF_NAME_SIZE];

	return strncmp(name, real_prefix, real_length) != 0 && !find(session, name) &&
	       proof_wrapped_name(&session->binary, name, other);
}

/* SPDX-License-Identifier: MIT */
/* Guards are known by their names: _ZGVZ1fvE4name is that of _ZZ1fvE4name. See guards.h. */
#include "guards.h"

#include "making.h"

#include <string.h>

/* What the guard of an existing static protects, as linkers call it; or NULL. */
static const char *guarded(struct session *session, const struct part *part)
{
	if (!part || !part->twin || strncmp(part->name, "_ZGVZ", 5) != 0)
		return NULL;
	return arena_format(&session->arena, "_Z%s", part->name + 4);
}

static void note_function(struct session *session, const struct unit *unit,
			  const struct part *function)
{
	const struct part_set *set = &unit->patched;
	struct comparer comparer = {
		.arena = &session->arena, .original = &unit->original, .patched = set};
	const struct object_reloc *relocs;
	size_t count;

	relocs = object_relocs(&set->object->sections[function->section], function->start,
			       function->start + function->size, &count);
	for (size_t i = 0; i < count; i++) {
		const struct part *part = part_reference(set, function->section, &relocs[i]).part;
		const char *variable = guarded(session, part);
		const char *note;

		if (!variable || making_same(&comparer, part, function))
			continue;
		note = arena_format(&session->arena,
				    "%s is constructed by the first call of %s: where that has "
				    "happened, another way of doing so has no effect",
				    variable, function->name);
		if (note)
			strings_add_once(&session->result->notes, note);
	}
}

void guards_note(struct session *session, const struct unit *unit)
{
	for (size_t i = 0; i < unit->patched.count; i++) {
		const struct part *part = unit->patched.list[i];

		if (part->replaced && part->kind == PART_FUNCTION)
			note_function(session, unit, part);
	}
}

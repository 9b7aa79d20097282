/* SPDX-License-Identifier: MIT */
/*
 * Names for tools: dladdr(), backtrace_symbols() and crash reporters read .dynsym alone, so every
 * function that the patch carries gets a weak dynamic name beside its local symbol. Nothing refers
 * to these names, so that no relocation becomes symbolic, and RTLD_LOCAL keeps them from others.
 */
#include "emit.h"

#include <elf.h>
#include <string.h>

const char *emit_unit_name(struct emit *emit, const char *name)
{
	return arena_format(&emit->session->arena, "suture.unit.%s", name);
}

static bool taken(const struct session *session, const char *name)
{
	for (size_t i = 0; i < session->name_count; i++)
		if (strcmp(session->names[i], name) == 0)
			return true;
	return false;
}

/* Statics of several units may have one name; a dynamic name is one thing. */
static const char *unique_name(struct session *session, const char *name)
{
	const char *unique = name;

	for (size_t i = 2; unique && taken(session, unique); i++)
		unique = arena_format(&session->arena, "%s.%zu", name, i);
	session->names = arena_grow(&session->arena, session->names, session->name_count,
				    &session->name_capacity, sizeof(*session->names));
	if (!session->names || !unique)
		return NULL;
	session->names[session->name_count++] = unique;
	return unique;
}

void emit_names(struct emit *emit)
{
	const struct part_set *set = &emit->unit->patched;

	for (size_t i = 0; i < set->count; i++) {
		const struct part *part = set->list[i];
		struct writer_symbol alias = {
			.value = part->start,
			.size = part->size,
			.type = STT_FUNC,
			.bind = STB_WEAK,
		};

		if ((part->kind != PART_FUNCTION && part->kind != PART_CHILD) || !part->symbol ||
		    !emit->unit->kept[part->section])
			continue;
		alias.section = emit->sections[part->section];
		alias.name = unique_name(emit->session, part->name);
		if (alias.name)
			writer_add_symbol(&emit->writer, &alias);
	}
}

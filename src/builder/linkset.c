/* SPDX-License-Identifier: MIT */
/* Entries are found by their sections; anonymous ones are counted. */
#include "linkset.h"

#include <ctype.h>
#include <elf.h>
#include <string.h>

static bool is_identifier(const char *name)
{
	if (!isalpha((unsigned char)*name) && *name != '_')
		return false;
	for (; *name; name++)
		if (!isalnum((unsigned char)*name) && *name != '_')
			return false;
	return true;
}

/* What -fpatchable-function-entry and the like note for tracers: new code may be missing there. */
static bool is_for_tracers(const char *name)
{
	static const char *const names[] = {"__patchable_function_entries", "__mcount_loc",
					    "xray_instr_map", "xray_fn_idx"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* What -fprofile-instr-generate and -fsanitize-coverage count in: a place for each branch. */
static bool is_of_counters(const char *name)
{
	return strncmp(name, "__llvm_prf_", 11) == 0 || strncmp(name, "__sancov_", 9) == 0;
}

static bool is_set(const struct object_section *section)
{
	return section->flags & SHF_ALLOC && !(section->flags & SHF_EXECINSTR) &&
	       section->type == SHT_PROGBITS && section->size && is_identifier(section->name) &&
	       !is_for_tracers(section->name);
}

static uint64_t total_size(const struct object *object, const char *name)
{
	uint64_t size = 0;

	for (size_t i = 1; i < object->section_count; i++)
		if (is_set(&object->sections[i]) && strcmp(object->sections[i].name, name) == 0)
			size += object->sections[i].size;
	return size;
}

/* The first entry of section `index` that the other object has not, or NULL. */
static const struct part *lonely(const struct part_set *set, size_t index)
{
	for (size_t i = set->first[index]; i < set->first[index + 1]; i++)
		if (set->list[i]->kind == PART_DATA && !set->list[i]->twin)
			return set->list[i];
	return NULL;
}

static void check(struct session *session, const struct unit *unit, const struct part_set *set,
		  const struct object *other, const char *what)
{
	for (size_t i = 1; i < set->object->section_count; i++) {
		const struct object_section *section = &set->object->sections[i];
		const struct part *part;

		if (!is_set(section))
			continue;
		part = lonely(set, i);
		if (!part &&
		    total_size(set->object, section->name) <= total_size(other, section->name))
			continue;
		if (is_of_counters(section->name)) {
			refusals_add(&session->result->refusals, SUTURE_E_UNSUPPORTED, unit->source,
				     0, "build the server without counters of what is executed",
				     "%s is compiled to count what is executed, and the diff makes "
				     "other branches or functions: their counters were laid out "
				     "when %s was linked",
				     unit->source, session->binary.name);
			return;
		}
		refusals_add(&session->result->refusals, SUTURE_E_UNSUPPORTED, unit->source,
			     part ? part->identity.line : 0,
			     "call it from the code instead; the set is complete since the link",
			     "%s in %s %s section %s, which the linker collected",
			     part ? part->name : "an entry", unit->source, what, section->name);
	}
}

void linkset_check(struct session *session, const struct unit *unit)
{
	check(session, unit, &unit->patched, &unit->o, "is added to");
	check(session, unit, &unit->original, &unit->p, "is taken out of");
}

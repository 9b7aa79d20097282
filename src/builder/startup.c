/* SPDX-License-Identifier: MIT */
/* The lists of the object, and who refers to a function; see startup.h. */
#include "startup.h"

#include <elf.h>
#include <string.h>

/* How deep the start code of a file calls functions of its own. */
enum { START_DEPTH = 3 };

bool startup_is_list(const struct object_section *section)
{
	return section->type == SHT_INIT_ARRAY || section->type == SHT_PREINIT_ARRAY ||
	       section->type == SHT_FINI_ARRAY;
}

bool startup_lists(const struct part_set *set, const struct part *part)
{
	for (uint32_t i = 1; i < set->object->section_count; i++) {
		const struct object_section *section = &set->object->sections[i];

		if (!startup_is_list(section))
			continue;
		for (size_t k = 0; k < section->reloc_count; k++)
			if (part_reference(set, i, &section->relocs[k]).part == part)
				return true;
	}
	return false;
}

bool startup_constructs(const struct part *part)
{
	static const char *const names[] = {"_GLOBAL__", "__cxx_global_var_init",
					    "_Z41__static_initialization_and_destruction_0"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(part->name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/*
 * Is the field at an offset of a function a call's or a jump's? The type of its relocation doesn't
 * say so: assemblers write calls of local functions like any distance. What can't be decoded is
 * taken for one.
 */
static bool is_call(const struct part_set *set, const struct part *function, uint64_t offset)
{
	const uint8_t *code = set->object->sections[function->section].data;
	uint64_t end = function->start + function->size;

	for (uint64_t at = function->start; code && at < end;) {
		struct arch_insn insn;

		if (set->arch->decode(code + at, end - at, at, &insn) != ARCH_OK || !insn.size)
			break;
		if (offset < at + insn.size)
			return insn.kind == ARCH_INSN_CALL || insn.kind == ARCH_INSN_JUMP ||
			       insn.kind == ARCH_INSN_COND_JUMP;
		at += insn.size;
	}
	return true;
}

static enum startup startup_at(const struct part_set *set, const struct part *part, int depth)
{
	enum startup startup = STARTUP_NO;

	/* clang puts these into one section: the call between them is no relocation. */
	if (startup_lists(set, part) || startup_constructs(part))
		return STARTUP_RUNS;
	if (part->global || depth == 0)
		return STARTUP_NO;
	for (uint32_t i = 1; i < set->object->section_count; i++) {
		const struct object_section *section = &set->object->sections[i];

		for (size_t k = 0; section->flags & SHF_ALLOC && k < section->reloc_count; k++) {
			const struct object_reloc *reloc = &section->relocs[k];
			const struct part *at, *user;

			if (strcmp(section->name, ".eh_frame") == 0 ||
			    part_reference(set, i, reloc).part != part)
				continue;
			at = part_at(set, i, (int64_t)reloc->offset);
			user = at && at->parent ? at->parent : at;
			if (user == part)
				continue;
			if (!user || !(section->flags & SHF_EXECINSTR) ||
			    startup_at(set, user, depth - 1) != STARTUP_RUNS)
				return STARTUP_NO;
			if (!is_call(set, at, reloc->offset))
				startup = STARTUP_HANDS_OUT;
			else if (startup == STARTUP_NO)
				startup = STARTUP_RUNS;
		}
	}
	return startup;
}

enum startup startup_of(const struct part_set *set, const struct part *part)
{
	return startup_at(set, part, START_DEPTH);
}

/* SPDX-License-Identifier: MIT */
/*
 * Exception tables. Where a program stands at a fixed place, what a function catches is told by
 *four bytes of address, and a type that the program has not used so far is out of their reach. As
 * position-independent code does, such a table is told to look into slots, for all of its types:
 *
 *	encoding  udata4                    ->    indirect | pcrel | sdata4
 *	type      typeinfo for a            ->    distance to a slot that the agent fills
 *	type      0, which is catch (...)   ->    0, which is told by the distance
 */
#include "emit.h"

#include "base/error.h"
#include "base/reader.h"

#include <dwarf.h>
#include <string.h>

/* The part of a section that tells the types of one function's table. */
struct types {
	uint64_t encoding; /* where the byte is that says how */
	uint64_t end;	   /* the types lie before it, and behind `encoding` */
};

/* False: a table without types, or one that tells them otherwise. */
static bool find_types(const struct object_section *section, uint64_t at, struct types *types)
{
	uint64_t distance;
	struct reader reader;

	reader_init(&reader, section->data, section->data ? section->size : 0, section->name);
	reader_seek(&reader, at);
	if (reader_u8(&reader) != DW_EH_PE_omit)
		return false;
	types->encoding = reader.pos;
	if (reader_u8(&reader) != DW_EH_PE_udata4)
		return false;
	distance = reader_uleb(&reader);
	types->end = reader.pos + distance;
	return !reader.failed && distance <= reader_left(&reader);
}

static const struct object_reloc *relocs_of(const struct object_section *section,
					    const struct types *types, size_t *count)
{
	return object_relocs(section, types->encoding, types->end, count);
}

static bool any_far(struct emit *emit, uint32_t index, const struct types *types)
{
	size_t count;
	const struct object_reloc *relocs =
		relocs_of(&emit->unit->p.sections[index], types, &count);

	for (size_t i = 0; i < count; i++)
		if (emit_is_far(emit, index, &relocs[i]))
			return true;
	return false;
}

static int emit_types(struct emit *emit, uint32_t index, const struct types *types)
{
	size_t count;
	const struct object_reloc *relocs =
		relocs_of(&emit->unit->p.sections[index], types, &count);
	uint8_t *encoding = emit->writer.sections[emit->sections[index]].data + types->encoding;
	int code = 0;

	*encoding = DW_EH_PE_indirect | DW_EH_PE_pcrel | DW_EH_PE_sdata4;
	for (size_t i = 0; i < count && !code; i++)
		code = emit_slot_reloc(emit, index, &relocs[i]);
	return code;
}

int emit_lsda(struct emit *emit, uint32_t index)
{
	const struct part_set *set = &emit->unit->patched;
	const struct object_section *section = &emit->unit->p.sections[index];
	struct types *list = arena_array(&emit->session->arena, set->count, sizeof(*list));
	size_t count = 0;
	int code = list ? 0 : error_no_memory(emit->session->err);

	for (size_t i = 0; list && i < set->count && !code; i++) {
		const struct part *part = set->list[i];

		if (part->lsda_section != index ||
		    !find_types(section, part->lsda_offset, &list[count]) ||
		    !any_far(emit, index, &list[count]))
			continue;
		code = emit_types(emit, index, &list[count++]);
	}
	for (size_t i = 0; i < section->reloc_count && !code; i++) {
		bool done = false;

		for (size_t k = 0; k < count; k++)
			done |= section->relocs[i].offset > list[k].encoding &&
				section->relocs[i].offset < list[k].end;
		if (!done)
			code = emit_reloc(emit, index, &section->relocs[i]);
	}
	return code;
}

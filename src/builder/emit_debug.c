/* SPDX-License-Identifier: MIT */
/* Unwind rows and debug information of what is kept; what they say about the rest is dropped. */
#include "emit.h"

#include "base/error.h"
#include "frames.h"

#include <dwarf.h>
#include <elf.h>
#include <string.h>

bool emit_is_debug(const struct object_section *section)
{
	return !(section->flags & SHF_ALLOC) && section->type == SHT_PROGBITS &&
	       strncmp(section->name, ".debug_", 7) == 0;
}

static void copy_reloc(struct emit *emit, uint32_t out, const struct object_reloc *reloc,
		       uint64_t offset)
{
	struct writer_reloc copy = {.offset = offset,
				    .type = reloc->type,
				    .symbol = emit->symbols[reloc->symbol],
				    .addend = reloc->addend};

	writer_add_reloc(&emit->writer, out, &copy);
}

/*
 * A place in what was dropped reads as 0, as linkers do it; 1 where a 0 would end a list, in the
 * lists of DWARF 4 and before.
 */
static void bury(struct emit *emit, uint32_t out, const struct object_section *section,
		 const struct object_reloc *reloc)
{
	struct writer_section *copy = &emit->writer.sections[out];
	bool list = strcmp(section->name, ".debug_ranges") == 0 ||
		    strcmp(section->name, ".debug_loc") == 0;

	if (list && !(section->flags & SHF_COMPRESSED) && reloc->offset < copy->size)
		copy->data[reloc->offset] = 1;
}

int emit_debug(struct emit *emit, uint32_t index)
{
	const struct object_section *section = &emit->unit->p.sections[index];
	uint32_t out = emit->sections[index];

	for (size_t i = 0; i < section->reloc_count; i++) {
		if (emit->symbols[section->relocs[i].symbol])
			copy_reloc(emit, out, &section->relocs[i], section->relocs[i].offset);
		else
			bury(emit, out, section, &section->relocs[i]);
	}
	return 0;
}

/* Does the record belong to a function that the patch carries, or to the record of one? */
static bool wanted(struct emit *emit, const struct frame_record *list, size_t count,
		   const struct frame_record *record)
{
	if (!record->common)
		return record->start && emit->symbols[record->start->symbol];
	for (size_t i = 0; i < count; i++)
		if (!list[i].common && list[i].cie == record->offset &&
		    wanted(emit, list, count, &list[i]))
			return true;
	return false;
}

/*
 * A linker that aligns the next unit's records would leave four zeroes between, which end the list
 * for the unwinder. The last record grows instead, by instructions that do nothing.
 */
static void fill_up(struct emit *emit, uint32_t out, uint64_t last)
{
	static const uint8_t nothing[8]; /* DW_CFA_nop */
	struct writer_section *section = &emit->writer.sections[out];
	uint64_t more = -section->size % sizeof(nothing);
	uint32_t length;

	if (!more)
		return;
	writer_append(&emit->writer, out, nothing, more);
	memcpy(&length, section->data + last, sizeof(length));
	length += (uint32_t)more;
	memcpy(section->data + last, &length, sizeof(length));
}

static void refuse(struct emit *emit, const char *name, const char *why)
{
	refusals_add(&emit->session->result->refusals, SUTURE_E_UNSUPPORTED, emit->unit->source, 0,
		     "move the change into a file whose unwind information is as compilers make it",
		     "the unwind information of %s refers to %s: %s", emit->unit->source, name,
		     why);
}

/*
 * The unwinder's routine, whose address does not fit: the record is told to look into a slot for
 * it, which is how position-independent code has it. What a common record refers to is that routine
 * alone, and the byte before says how.
 */
static bool look_into_slot(struct emit *emit, uint32_t out, uint64_t at)
{
	uint8_t *encoding = emit->writer.sections[out].data + at - 1;

	if (*encoding != DW_EH_PE_udata4)
		return false;
	*encoding = DW_EH_PE_indirect | DW_EH_PE_pcrel | DW_EH_PE_sdata4;
	return true;
}

/*
 * References inside the patch are PC-relative. Programs that are not position independent have
 * absolute ones, to the personality routine and to the tables: these go the way of all others.
 */
static int copy_record(struct emit *emit, uint32_t index, const struct frame_record *record,
		       uint64_t at)
{
	const struct object_section *section = &emit->unit->p.sections[index];
	const struct object_reloc *relocs;
	size_t count;
	int code = 0;

	relocs = object_relocs(section, record->offset, record->offset + record->size, &count);
	for (size_t i = 0; !code && i < count; i++) {
		const char *name = emit->unit->p.symbols[relocs[i].symbol].name;
		struct object_reloc moved = relocs[i];
		struct arch_reloc_info info;

		moved.offset = at + (relocs[i].offset - record->offset);
		if (emit->session->binary.arch->reloc_info(relocs[i].type, &info) != ARCH_OK)
			refuse(emit, name, "unknown relocation");
		else if (info.form == ARCH_RELOC_ABSOLUTE && record->common &&
			 emit_is_far(emit, index, &moved) &&
			 look_into_slot(emit, emit->sections[index], moved.offset))
			code = emit_slot_reloc(emit, index, &moved);
		else if (info.form == ARCH_RELOC_ABSOLUTE)
			code = emit_reloc(emit, index, &moved);
		else if (info.form != ARCH_RELOC_PC)
			refuse(emit, name, info.name);
		else if (!emit->symbols[relocs[i].symbol])
			refuse(emit, name, "the patch does not carry it");
		else
			copy_reloc(emit, emit->sections[index], &relocs[i], moved.offset);
	}
	return code;
}

int emit_frames(struct emit *emit, uint32_t index)
{
	const struct object_section *section = &emit->unit->p.sections[index];
	uint32_t out = emit->sections[index];
	struct frame_record *list;
	uint64_t *moved;
	uint64_t last = 0;
	size_t count;
	int code = frames_read(&emit->session->arena, &emit->unit->p, index, &list, &count,
			       emit->session->err);

	if (code)
		return code;
	moved = arena_array(&emit->session->arena, count, sizeof(*moved));
	if (!moved)
		return error_no_memory(emit->session->err);
	for (size_t i = 0; i < count; i++) {
		uint64_t at;

		if (!wanted(emit, list, count, &list[i]))
			continue;
		at = writer_append(&emit->writer, out, section->data + list[i].offset,
				   list[i].size);
		moved[i] = last = at;
		for (size_t k = 0; !list[i].common && k < i; k++) {
			/* The distance from this field back to the CIE. */
			uint32_t back = (uint32_t)(at + 4 - moved[k]);

			if (list[k].common && list[k].offset == list[i].cie)
				memcpy(emit->writer.sections[out].data + at + 4, &back,
				       sizeof(back));
		}
		code = copy_record(emit, index, &list[i], at);
		if (code)
			return code;
	}
	fill_up(emit, out, last);
	return 0;
}

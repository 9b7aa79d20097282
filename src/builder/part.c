/* SPDX-License-Identifier: MIT */
/* What stands at a place of an object, and what a relocation refers to; see part.h. */
#include "part.h"

#include <elf.h>
#include <string.h>

bool part_section_merged(const struct object_section *section)
{
	return section->flags & SHF_MERGE && section->flags & SHF_ALLOC && section->data &&
	       section->entry_size > 0;
}

bool part_section_writable(const struct object_section *section)
{
	return section->flags & SHF_WRITE && strncmp(section->name, ".data.rel.ro", 12) != 0;
}

struct part *part_at(const struct part_set *set, uint32_t section, int64_t offset)
{
	size_t low;
	size_t high;

	if (!set->first || section >= set->object->section_count)
		return NULL;
	low = set->first[section];
	high = set->first[section + 1];
	if (low == high)
		return NULL;
	/* With a section each, arr[i - 1] still means arr. */
	if (high - low == 1)
		return set->list[low];
	if (offset < 0)
		return NULL;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (set->list[middle]->start <= (uint64_t)offset)
			low = middle;
		else
			high = middle;
	}
	return set->list[low];
}

/*
 * Entries of a jump table are distances from the table's start, written as PC-relative fields: each
 * addend has its own place in the table on top.
 *
 *	.L4:	.long .L3-.L4		PC32 .text + offset of .L3 + 0
 *		.long .L5-.L4		PC32 .text + offset of .L5 + 4
 */
static int64_t table_distance(const struct part_set *set, uint32_t index,
			      const struct object_reloc *reloc)
{
	const struct object_section *section = &set->object->sections[index];
	struct arch_reloc_info info;
	const struct part *table;

	if (!set->first || section->flags & (SHF_EXECINSTR | SHF_WRITE) ||
	    strncmp(section->name, ".gcc_except_table", 17) == 0 ||
	    set->arch->reloc_info(reloc->type, &info) != ARCH_OK || info.form != ARCH_RELOC_PC)
		return 0;
	table = part_at(set, index, (int64_t)reloc->offset);
	if (!table || table->kind != PART_CONTENT || reloc->offset < table->start)
		return 0;
	return (int64_t)(reloc->offset - table->start);
}

struct reference part_reference(const struct part_set *set, uint32_t index,
				const struct object_reloc *reloc)
{
	const struct object *object = set->object;
	const struct object_section *section = &object->sections[index];
	const struct object_symbol *symbol = &object->symbols[reloc->symbol];
	struct reference ref = {.symbol = symbol, .offset = reloc->addend};

	if (!reloc->symbol) {
		ref.kind = REFERENCE_NONE;
		return ref;
	}
	if (section->flags & SHF_EXECINSTR)
		ref.offset += set->arch->reloc_bias(reloc->type, section->data, section->size,
						    reloc->offset);
	else
		ref.offset -= table_distance(set, index, reloc);
	if (symbol->section == OBJECT_UNDEFINED) {
		ref.kind = REFERENCE_EXTERNAL;
	} else if (symbol->section == OBJECT_ABSOLUTE) {
		ref.kind = REFERENCE_ABSOLUTE;
	} else if (symbol->section == OBJECT_COMMON) {
		ref.kind = REFERENCE_PART;
		ref.part = set->by_symbol ? set->by_symbol[reloc->symbol] : NULL;
	} else {
		uint64_t at = symbol->value;

		ref.section = symbol->section;
		/* A name says which part is meant, whatever the addend; a section does not. */
		if (symbol->type != STT_SECTION && set->by_symbol) {
			ref.part = set->by_symbol[reloc->symbol];
			ref.offset += (int64_t)at;
		} else {
			ref.offset += (int64_t)at;
			ref.part = part_at(set, symbol->section, ref.offset);
		}
		if (part_section_merged(&object->sections[symbol->section])) {
			ref.kind = REFERENCE_MERGED;
		} else if (ref.part) {
			ref.kind = REFERENCE_PART;
			ref.offset -= (int64_t)ref.part->start;
		} else {
			ref.kind = REFERENCE_OTHER;
		}
	}
	return ref;
}

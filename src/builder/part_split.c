/* SPDX-License-Identifier: MIT */
/*
 * Splitting an object into parts; see part.h. Boundaries are named symbols; between them, and in
 * sections that name nothing, the places that relocations refer to.
 */
#include "part.h"

#include "base/error.h"
#include "frames.h"
#include "nameindex.h"

#include <ctype.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

static bool has_parts(const struct object_section *section)
{
	return (section->flags & SHF_ALLOC) && !part_section_merged(section) &&
	       (section->type == SHT_PROGBITS || section->type == SHT_NOBITS ||
		section->type == SHT_INIT_ARRAY || section->type == SHT_FINI_ARRAY ||
		section->type == SHT_PREINIT_ARRAY) &&
	       strcmp(section->name, ".eh_frame") != 0;
}

/* Tables that the compiler names and numbers as it likes. */
static bool compiler_named(const char *name)
{
	static const char *const prefixes[] = {
		"CSWTCH.",  ".L",	 "switch.table.", "reltable.",
		"__const.", "__func__.", "__FUNCTION__.", "__PRETTY_FUNCTION__.",
		"DW.ref.",
	};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	if (name[0] == 'C' && name[1] == '.' && isdigit((unsigned char)name[2]))
		return true;
	/* _ZZ1fvE19__PRETTY_FUNCTION__ and __func__.f as clang has it */
	return strstr(name, "__PRETTY_FUNCTION__") || strstr(name, "E8__func__");
}

static bool is_child(const char *name)
{
	const char *cold = strstr(name, ".cold");

	return cold && cold != name && (cold[5] == '\0' || cold[5] == '.');
}

/* "count.12", "f.constprop.0" and "_ZZ1fvE5count_0" without the numbers. */
static size_t stem_length(const char *name)
{
	size_t length = strlen(name);

	if (strncmp(name, "_ZZ", 3) == 0) {
		size_t end = length;

		while (end > 0 && (isdigit((unsigned char)name[end - 1]) || name[end - 1] == '_'))
			end--;
		return end < length && name[end] == '_' ? end : length;
	}

	for (;;) {
		size_t end = length;

		while (end > 0 && isdigit((unsigned char)name[end - 1]))
			end--;
		if (end == length || end < 2 || name[end - 1] != '.')
			return length;
		length = end - 1;
	}
}

/* A place where a part starts; symbol is 0 for anonymous ones. */
struct boundary {
	uint32_t section;
	uint64_t offset;
	uint32_t symbol;
	uint32_t rank; /* which symbol names the part when several do: the lowest */
};

struct splitting {
	struct arena *arena;
	struct part_set *set;
	struct boundary *list;
	size_t count;
	size_t capacity;
};

static bool add_boundary(struct splitting *s, uint32_t section, uint64_t offset, uint32_t symbol,
			 uint32_t rank)
{
	s->list = arena_grow(s->arena, s->list, s->count, &s->capacity, sizeof(*s->list));
	if (!s->list)
		return false;
	s->list[s->count++] = (struct boundary){
		.section = section, .offset = offset, .symbol = symbol, .rank = rank};
	return true;
}

static bool names_part(const struct object_section *section, const struct object_symbol *symbol)
{
	if (!*symbol->name)
		return false;
	switch (symbol->type) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
	case STT_OBJECT:
	case STT_TLS:
		return true;
	case STT_NOTYPE: /* labels of hand-written assembler; .LC0 and kin only split */
		return symbol->bind != STB_LOCAL ||
		       (section->flags & SHF_EXECINSTR && symbol->name[0] != '.');
	default:
		return false;
	}
}

static bool split_by_symbols(struct splitting *s)
{
	const struct object *object = s->set->object;

	for (uint32_t i = 1; i < object->section_count; i++) {
		const struct object_section *section = &object->sections[i];

		if (!has_parts(section) || !section->size)
			continue;
		if (!add_boundary(s, i, 0, 0, UINT32_MAX))
			return false;
		for (size_t k = 0; k < section->symbol_count; k++) {
			uint32_t index = section->symbols[k];
			const struct object_symbol *symbol = &object->symbols[index];
			bool names = names_part(section, symbol);

			if (symbol->value >= section->size ||
			    (!names && section->flags & SHF_EXECINSTR))
				continue;
			/* A sized global name before a local alias of it. */
			if (!add_boundary(
				    s, i, symbol->value, names ? index : 0,
				    !names ? UINT32_MAX - 1
					   : (symbol->size ? 0 : 0x40000000) +
						     (symbol->bind == STB_LOCAL ? 0x20000000 : 0) +
						     index))
				return false;
			/* What follows a named part without a gap is not named by it. */
			if (names && symbol->size && symbol->value + symbol->size < section->size &&
			    !(section->flags & SHF_EXECINSTR) &&
			    !add_boundary(s, i, symbol->value + symbol->size, 0, UINT32_MAX))
				return false;
		}
	}
	return true;
}

/* Is the offset inside a variable that has a name? */
static bool named_at(const struct object *object, const struct object_section *section,
		     uint64_t offset)
{
	for (size_t i = 0; i < section->symbol_count; i++) {
		const struct object_symbol *symbol = &object->symbols[section->symbols[i]];

		if (symbol->value <= offset && offset - symbol->value < symbol->size &&
		    names_part(section, symbol))
			return true;
	}
	return false;
}

/*
 * Jump tables and constant pools are known by their users only; clang has tables of addresses in
 * .data.rel.ro. In what the program may write only exception
 * tables refer to what has no name: pointers to type information.
 */
static bool split_by_references(struct splitting *s)
{
	const struct object *object = s->set->object;

	for (uint32_t i = 1; i < object->section_count; i++) {
		const struct object_section *from = &object->sections[i];
		bool exceptions = strncmp(from->name, ".gcc_except_table", 17) == 0;

		for (size_t k = 0; (from->flags & SHF_ALLOC) && k < from->reloc_count; k++) {
			struct reference ref = part_reference(s->set, i, &from->relocs[k]);
			const struct object_section *to;

			if (ref.kind != REFERENCE_OTHER || ref.offset < 0)
				continue;
			to = &object->sections[ref.section];
			if (!has_parts(to) || to->flags & SHF_EXECINSTR ||
			    (part_section_writable(to) && !exceptions) ||
			    (uint64_t)ref.offset >= to->size || names_part(to, ref.symbol) ||
			    named_at(object, to, (uint64_t)ref.offset))
				continue;
			if (!add_boundary(s, ref.section, (uint64_t)ref.offset, 0, UINT32_MAX - 1))
				return false;
		}
	}
	return true;
}

static int by_place(const void *left, const void *right)
{
	const struct boundary *a = left;
	const struct boundary *b = right;

	if (a->section != b->section)
		return a->section < b->section ? -1 : 1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return a->rank < b->rank ? -1 : a->rank > b->rank;
}

static void describe(struct part *part, const struct object *object)
{
	const struct object_symbol *symbol = &object->symbols[part->symbol];
	const struct object_section *section = NULL;

	part->name = part->symbol ? symbol->name : "";
	part->stem = stem_length(part->name);
	/* No identifier has a dot; static locals of C++ are counted in their functions. */
	part->numbered = strchr(part->name, '.') || strncmp(part->name, "_ZZ", 3) == 0;
	if (part->symbol) {
		part->global = symbol->bind != STB_LOCAL;
		part->weak = symbol->bind == STB_WEAK || symbol->bind == STB_GNU_UNIQUE;
	}
	if (part->section == OBJECT_COMMON) {
		part->kind = PART_DATA;
		part->writable = true;
		return;
	}
	section = &object->sections[part->section];
	part->tls = section->flags & SHF_TLS;
	part->writable = part_section_writable(section);
	if (section->flags & SHF_EXECINSTR)
		part->kind = part->symbol && is_child(part->name) ? PART_CHILD : PART_FUNCTION;
	else if (!part->symbol || (!part->writable && compiler_named(part->name)) ||
		 strncmp(part->name, "DW.ref.", 7) == 0)
		part->kind = PART_CONTENT;
	else
		part->kind = PART_DATA;
}

/* Part `at`, up to `end` at most; what is before `covered` belongs to it, whatever its own size is.
 */
static bool add_part(struct splitting *s, const struct boundary *at, uint64_t end, uint64_t covered)
{
	struct part_set *set = s->set;
	struct part *part = arena_array(s->arena, 1, sizeof(*part));
	const struct object_symbol *symbol = &set->object->symbols[at->symbol];

	if (!part)
		return false;
	part->section = at->section;
	part->symbol = at->symbol;
	part->start = at->offset;
	part->size = end - at->offset;
	if (covered < at->offset + symbol->size)
		covered = at->offset + symbol->size;
	if (at->symbol && symbol->size && covered - at->offset < part->size)
		part->size = covered - at->offset;
	describe(part, set->object);
	set->list[set->count++] = part;
	return true;
}

static bool make_parts(struct splitting *s)
{
	struct part_set *set = s->set;
	const struct object *object = set->object;
	size_t commons = 0;
	uint32_t section = 0;
	uint64_t covered = 0; /* end of the farthest symbol that began in this section so far */

	for (size_t i = 1; i < object->symbol_count; i++)
		commons += object->symbols[i].section == OBJECT_COMMON &&
			   object->symbols[i].type != STT_FILE;
	if (s->count)
		qsort(s->list, s->count, sizeof(*s->list), by_place);
	set->list = arena_array(s->arena, s->count + commons, sizeof(*set->list));
	set->first = arena_array(s->arena, object->section_count + 1, sizeof(*set->first));
	set->by_symbol = arena_array(s->arena, object->symbol_count, sizeof(struct part *));
	if (!set->list || !set->first || !set->by_symbol)
		return false;
	set->count = 0;
	for (size_t i = 0; i < s->count;) {
		const struct boundary *at = &s->list[i];
		size_t next = i + 1;
		uint64_t end = object->sections[at->section].size;

		while (next < s->count && s->list[next].section == at->section &&
		       s->list[next].offset == at->offset)
			next++;
		if (next < s->count && s->list[next].section == at->section)
			end = s->list[next].offset;
		if (section <= at->section)
			covered = 0;
		while (section <= at->section)
			set->first[section++] = set->count;
		/* A label in the middle of a function splits it, and leaves nothing out. */
		if (!add_part(s, at, end, covered))
			return false;
		for (size_t k = i; k < next; k++) {
			const struct object_symbol *symbol = &object->symbols[s->list[k].symbol];

			if (s->list[k].symbol && at->offset + symbol->size > covered)
				covered = at->offset + symbol->size;
		}
		i = next;
	}
	while (section <= object->section_count)
		set->first[section++] = set->count;
	for (uint32_t i = 1; i < object->symbol_count; i++) {
		const struct object_symbol *symbol = &object->symbols[i];
		struct boundary at = {.section = OBJECT_COMMON, .symbol = i};

		if (symbol->section == OBJECT_COMMON && symbol->type != STT_FILE) {
			if (!add_part(s, &at, symbol->size, 0))
				return false;
			set->by_symbol[i] = set->list[set->count - 1];
		} else if (object_defines(object, symbol) && symbol->type != STT_SECTION) {
			set->by_symbol[i] = part_at(set, symbol->section, (int64_t)symbol->value);
		}
	}
	return true;
}

static bool find_parents(struct arena *arena, struct part_set *set)
{
	struct name_index functions;

	if (!name_index_init(&functions, arena, set->count))
		return false;
	for (size_t i = 0; i < set->count; i++)
		if (set->list[i]->kind == PART_FUNCTION)
			name_index_add(&functions, set->list[i]->name, strlen(set->list[i]->name),
				       i);
	name_index_sort(&functions);
	for (size_t i = 0; i < set->count; i++) {
		struct part *child = set->list[i];
		const struct name_entry *named;
		size_t length, count;

		if (child->kind != PART_CHILD)
			continue;
		length = (size_t)(strstr(child->name, ".cold") - child->name);
		named = name_index_find(&functions, child->name, length, &count);
		if (named)
			child->parent = set->list[named->value];
		else
			child->kind = PART_FUNCTION;
	}
	return true;
}

int part_set_build(struct arena *arena, const struct arch_ops *arch, const struct object *object,
		   struct part_set *set, struct suture_error *err)
{
	struct splitting s = {.arena = arena, .set = set};

	*set = (struct part_set){.object = object, .arch = arch};
	if (!split_by_symbols(&s) || !split_by_references(&s) || !make_parts(&s) ||
	    !find_parents(arena, set))
		return error_no_memory(err);
	return frames_find_tables(arena, set, err);
}

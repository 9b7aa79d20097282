/* SPDX-License-Identifier: MIT */
/* The comparison of parts, recursive through anonymous contents. */
#include "compare.h"

#include <elf.h>
#include <string.h>

enum { MAX_DEPTH = 64 };

static bool compare_range(struct comparer *comparer, uint32_t left_section, uint64_t left_start,
			  uint32_t right_section, uint64_t right_start, uint64_t size, int depth);

static bool differ(struct comparer *comparer, const char *reason)
{
	comparer->reason = reason;
	return false;
}

/* Size of what a reference into merged contents means: a string, or the rest of a constant. */
static uint64_t merged_size(const struct object_section *section, uint64_t offset)
{
	static const uint8_t zero[8];
	uint64_t unit = section->entry_size;
	uint64_t end = offset;

	if (!(section->flags & SHF_STRINGS))
		return (offset / unit + 1) * unit - offset;
	if (unit > sizeof(zero))
		return section->size - offset;
	while (end + unit <= section->size && memcmp(section->data + end, zero, unit) != 0)
		end += unit;
	end += unit;
	return (end > section->size ? section->size : end) - offset;
}

/*
 * Where what is meant begins: all that has the name, or the string. A place in, before or behind it
 *is one of that too, and says nothing of what is read: code may go back from where a string ends.
 *
 *	lea  .LC5+14(%rip), %rdx; lea  -14(%rdx), %rsi
 */
static int64_t merged_start(const struct object_section *section, const struct reference *ref)
{
	static const uint8_t zero[8];
	uint64_t name = ref->symbol->value, unit = section->entry_size;
	int64_t start = ref->offset;

	if (ref->symbol->type != STT_SECTION && name < section->size)
		return (int64_t)name;
	if (!(section->flags & SHF_STRINGS) || !unit || unit > sizeof(zero) || start < 0 ||
	    (uint64_t)start >= section->size)
		return start;
	while (start >= (int64_t)unit && memcmp(section->data + start - unit, zero, unit) != 0)
		start -= (int64_t)unit;
	return start;
}

static bool compare_merged(struct comparer *comparer, const struct reference *left,
			   const struct reference *right)
{
	const struct object_section *a = &comparer->original->object->sections[left->section];
	const struct object_section *b = &comparer->patched->object->sections[right->section];
	int64_t from = merged_start(a, left), to = merged_start(b, right);
	bool strings = a->flags & SHF_STRINGS;
	uint64_t size;

	if (from < 0 || to < 0 || (uint64_t)from >= a->size || (uint64_t)to >= b->size ||
	    left->offset - from != right->offset - to)
		return differ(comparer, "it refers to another constant");
	size = merged_size(a, (uint64_t)from);
	if ((a->flags ^ b->flags) & SHF_STRINGS || a->entry_size != b->entry_size ||
	    size != merged_size(b, (uint64_t)to) || size > a->size - (uint64_t)from ||
	    size > b->size - (uint64_t)to || memcmp(a->data + from, b->data + to, size) != 0)
		return differ(comparer,
			      strings ? "a string that it uses changes" : "a constant changes");
	return true;
}

/* Zeroes up to the next thing: padding, which depends on what stands around. */
static bool only_padding(const struct part_set *set, const struct part *part, uint64_t from)
{
	const struct object_section *section = &set->object->sections[part->section];
	size_t count;

	object_relocs(section, part->start + from, part->start + part->size, &count);
	for (uint64_t i = from; section->data && i < part->size; i++)
		if (section->data[part->start + i])
			return false;
	return count == 0;
}

/*
 * In V contents go on to the next thing that has a name or is referred to. O has a section for
 * each, which ends with it: what follows in V is something else, which no code refers to.
 */
static bool ends_in_original(const struct comparer *comparer, const struct part *left,
			     const struct part *right)
{
	return comparer->same_place && left->size > right->size &&
	       right->start + right->size ==
		       comparer->patched->object->sections[right->section].size;
}

static bool compare_contents(struct comparer *comparer, const struct part *left,
			     const struct part *right, int depth)
{
	uint64_t size = left->size < right->size ? left->size : right->size;

	if ((!ends_in_original(comparer, left, right) &&
	     !only_padding(comparer->original, left, size)) ||
	    !only_padding(comparer->patched, right, size))
		return differ(comparer, "a table or string that it uses changes size");
	return compare_range(comparer, left->section, left->start, right->section, right->start,
			     size, depth);
}

static bool same_place(const struct comparer *comparer, const struct part *part, int64_t left,
		       int64_t right)
{
	return comparer->same_place ? comparer->same_place(part, left, right) : left == right;
}

/*
 * V refers to a place in a section where O, with a section for each variable, refers to the end of
 * a variable or to what would be before it: in V that is where another one lies.
 *
 *	lea  .rodata+36, %rsi		lea  .rodata.prices+36, %rsi
 */
static bool same_edge(const struct comparer *comparer, const struct reference *left,
		      const struct reference *right)
{
	const struct part *meant =
		right->kind == REFERENCE_PART && right->part ? right->part->twin : NULL;
	int64_t place = left->offset;
	bool code = meant && meant->kind != PART_DATA;

	/* The gaps of a switch that can't be reached lead behind the function. */
	if (code && (meant->kind != PART_FUNCTION || right->offset != (int64_t)right->part->size))
		return false;
	if (!comparer->same_place || !meant ||
	    (left->kind != REFERENCE_PART && left->kind != REFERENCE_OTHER) ||
	    left->symbol->type != STT_SECTION || left->section != meant->section)
		return false;
	if (left->part)
		place += (int64_t)left->part->start;
	return place == (int64_t)meant->start + (code ? (int64_t)meant->size : right->offset);
}

/*
 * A label in a section of cold code that has none: where a switch would go in a case that the
 * compiler knows not to happen. V has one such section, O one for each function.
 */
static bool is_nowhere(const struct part_set *set, const struct reference *ref)
{
	const struct object_section *section = &set->object->sections[ref->section];

	return (section->flags & SHF_EXECINSTR) && section->size == 0;
}

static bool compare_reference(struct comparer *comparer, const struct reference *left,
			      const struct reference *right, int depth)
{
	const struct part *a = left->part;
	const struct part *b = right->part;

	if (same_edge(comparer, left, right))
		return true;
	if (left->kind != right->kind)
		return differ(comparer, "it refers to something else");
	switch (left->kind) {
	case REFERENCE_NONE:
		return left->offset == right->offset;
	case REFERENCE_MERGED:
		return compare_merged(comparer, left, right);
	case REFERENCE_EXTERNAL:
		if (strcmp(left->symbol->name, right->symbol->name) != 0 ||
		    left->offset != right->offset)
			return differ(comparer,
				      arena_format(comparer->arena, "it refers to %s instead of %s",
						   right->symbol->name, left->symbol->name));
		return true;
	case REFERENCE_ABSOLUTE:
		return left->symbol->value == right->symbol->value && left->offset == right->offset;
	case REFERENCE_OTHER:
		if (is_nowhere(comparer->original, left) && is_nowhere(comparer->patched, right))
			return true;
		return strcmp(comparer->original->object->sections[left->section].name,
			      comparer->patched->object->sections[right->section].name) == 0 &&
		       left->offset == right->offset;
	case REFERENCE_PART:
		break;
	}
	if (!a || !b)
		return differ(comparer, "it refers to something unknown");
	if (a->kind == PART_CONTENT && b->kind == PART_CONTENT) {
		if (left->offset != right->offset)
			return differ(comparer, "it uses a table differently");
		return compare_contents(comparer, a, b, depth + 1);
	}
	if (a->twin != b)
		return differ(comparer, arena_format(comparer->arena, "it refers to %s%s", b->name,
						     b->twin ? " now" : ", which is new"));
	if (a->kind != PART_DATA && !same_place(comparer, a, left->offset, right->offset))
		return differ(comparer, "its code changes");
	if (a->kind == PART_DATA && left->offset != right->offset)
		return differ(comparer, arena_format(comparer->arena,
						     "it refers to another place in %s", b->name));
	return true;
}

static bool compare_bytes(const struct object_section *left, uint64_t left_start,
			  const struct object_section *right, uint64_t right_start, uint64_t size)
{
	if (size == 0 || (!left->data && !right->data))
		return true;
	if (left->data && right->data)
		return memcmp(left->data + left_start, right->data + right_start, size) == 0;
	for (uint64_t i = 0; i < size; i++)
		if (left->data ? left->data[left_start + i] : right->data[right_start + i])
			return false;
	return true;
}

static bool compare_range(struct comparer *comparer, uint32_t left_section, uint64_t left_start,
			  uint32_t right_section, uint64_t right_start, uint64_t size, int depth)
{
	const struct object_section *a = &comparer->original->object->sections[left_section];
	const struct object_section *b = &comparer->patched->object->sections[right_section];
	const struct object_reloc *left;
	const struct object_reloc *right;
	size_t left_count;
	size_t right_count;
	uint64_t from = 0;

	/* Contents that refer to each other in a circle: deeper says nothing new. */
	if (depth > MAX_DEPTH)
		return true;
	if (left_start > a->size || size > a->size - left_start || right_start > b->size ||
	    size > b->size - right_start)
		return differ(comparer, "its size changes");
	left = object_relocs(a, left_start, left_start + size, &left_count);
	right = object_relocs(b, right_start, right_start + size, &right_count);
	if (left_count != right_count)
		return differ(comparer, "its code changes");
	for (size_t i = 0; i <= left_count; i++) {
		uint64_t to = i < left_count ? left[i].offset - left_start : size;
		struct arch_reloc_info info = {.size = 0};

		if (to > from &&
		    !compare_bytes(a, left_start + from, b, right_start + from, to - from))
			return differ(comparer, "its code changes");
		if (i == left_count)
			break;
		if (left[i].type != right[i].type || right[i].offset - right_start != to ||
		    comparer->original->arch->reloc_info(left[i].type, &info) != ARCH_OK)
			return differ(comparer, "its code changes");
		if (to + info.size > from)
			from = to + info.size;
	}
	for (size_t i = 0; i < left_count; i++) {
		struct reference l = part_reference(comparer->original, left_section, &left[i]);
		struct reference r = part_reference(comparer->patched, right_section, &right[i]);

		if (!compare_reference(comparer, &l, &r, depth))
			return false;
	}
	return true;
}

bool compare_references(struct comparer *comparer, const struct reference *original,
			const struct reference *patched)
{
	return compare_reference(comparer, original, patched, 0);
}

bool compare_tables(struct comparer *comparer, const struct part *left, const struct part *right)
{
	const struct part *a;
	const struct part *b;

	if (!left->lsda_section && !right->lsda_section)
		return true;
	if (!left->lsda_section || !right->lsda_section)
		return differ(comparer, "its exception handling changes");
	a = part_at(comparer->original, left->lsda_section, (int64_t)left->lsda_offset);
	b = part_at(comparer->patched, right->lsda_section, (int64_t)right->lsda_offset);
	if (!a || !b || !compare_contents(comparer, a, b, 0))
		return differ(comparer, "its exception handling changes");
	return true;
}

bool compare_parts(struct comparer *comparer, const struct part *original,
		   const struct part *patched)
{
	comparer->reason = "";
	if (original->size != patched->size)
		return differ(comparer,
			      patched->kind == PART_DATA ? "its size changes" : "its code changes");
	if (original->section == OBJECT_COMMON || patched->section == OBJECT_COMMON)
		return original->section == patched->section;
	return compare_range(comparer, original->section, original->start, patched->section,
			     patched->start, original->size, 0) &&
	       compare_tables(comparer, original, patched);
}

bool compare_shapes(const struct comparer *comparer, const struct part *original,
		    const struct part *patched)
{
	const struct object_section *left;
	const struct object_section *right;
	const struct object_reloc *relocs;
	size_t count;
	uint64_t from = 0;

	if (original->size != patched->size || original->section == OBJECT_COMMON ||
	    patched->section == OBJECT_COMMON)
		return false;
	left = &comparer->original->object->sections[original->section];
	right = &comparer->patched->object->sections[patched->section];
	if (!left->data || !right->data)
		return false;
	relocs = object_relocs(left, original->start, original->start + original->size, &count);
	for (size_t i = 0; i <= count; i++) {
		uint64_t to = i < count ? relocs[i].offset - original->start : original->size;
		struct arch_reloc_info info = {.size = 0};

		if (to > from && memcmp(left->data + original->start + from,
					right->data + patched->start + from, to - from) != 0)
			return false;
		if (i < count)
			comparer->original->arch->reloc_info(relocs[i].type, &info);
		if (to + info.size > from)
			from = to + info.size;
		if (from > original->size)
			return false;
	}
	return true;
}

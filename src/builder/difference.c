/* SPDX-License-Identifier: MIT */
/* Differences of variables; see difference.h. */
#include "difference.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { TEXT_MAX = 40, ADDRESS_SIZE = 8, BYTES_SHOWN = 16 };

static const struct object_reloc *relocs_of(const struct object *object, const struct part *part,
					    size_t *count)
{
	*count = 0;
	if (part->section == OBJECT_COMMON)
		return NULL;
	return object_relocs(&object->sections[part->section], part->start,
			     part->start + part->size, count);
}

bool difference_has_addresses(const struct object *object, const struct part *part)
{
	size_t count;

	relocs_of(object, part, &count);
	return count > 0;
}

static const uint8_t *contents(const struct object *object, const struct part *part)
{
	const struct object_section *section;

	if (part->section == OBJECT_COMMON)
		return NULL;
	section = &object->sections[part->section];
	return section->data ? section->data + part->start : NULL;
}

/* The bytes as a number where they may be one, else in hexadecimal. */
static const char *bytes_text(struct arena *arena, const uint8_t *data, uint64_t size)
{
	char text[64] = "";
	size_t used = 0;

	if (size == 4 || size == 8) {
		int64_t value = 0;
		int32_t small = 0;

		if (data && size == 8)
			memcpy(&value, data, 8);
		if (data && size == 4) {
			memcpy(&small, data, 4);
			value = small;
		}
		return arena_format(arena, "%lld", (long long)value);
	}
	for (uint64_t i = 0; i < size && i < BYTES_SHOWN; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%02x", i ? " " : "",
					 data ? data[i] : 0);
	return arena_format(arena, "%s%s", text, size > BYTES_SHOWN ? " ..." : "");
}

/* The string at a place, in quotes and perhaps cut; NULL where there is none that can be shown. */
static const char *string_at(struct arena *arena, const struct object_section *section,
			     uint64_t offset)
{
	uint64_t end = offset;

	while (section->data && end < section->size && isprint(section->data[end]))
		end++;
	if (!section->data || end >= section->size || section->data[end])
		return NULL;
	return arena_format(
		arena, "\"%.*s%s\"", (int)(end - offset > TEXT_MAX ? TEXT_MAX : end - offset),
		(const char *)section->data + offset, end - offset > TEXT_MAX ? "..." : "");
}

static const char *place_text(struct arena *arena, const char *name, int64_t offset)
{
	return offset ? arena_format(arena, "%s%+lld", name, (long long)offset) : name;
}

static const char *address_text(struct arena *arena, const struct part_set *set,
				const struct part *part, const struct object_reloc *reloc)
{
	struct reference ref = part_reference(set, part->section, reloc);
	const struct object_section *sections = set->object->sections;
	const char *text = NULL;

	if (ref.kind == REFERENCE_PART && ref.part && *ref.part->name &&
	    ref.part->kind != PART_CONTENT)
		return place_text(arena, ref.part->name, ref.offset);
	if (ref.kind == REFERENCE_EXTERNAL)
		return place_text(arena, ref.symbol->name, ref.offset);
	if (ref.kind == REFERENCE_MERGED && ref.offset >= 0)
		text = string_at(arena, &sections[ref.section], (uint64_t)ref.offset);
	else if (ref.kind == REFERENCE_PART && ref.part && ref.part->section != OBJECT_COMMON &&
		 (int64_t)ref.part->start + ref.offset >= 0)
		text = string_at(arena, &sections[ref.part->section],
				 ref.part->start + (uint64_t)ref.offset);
	return text ? text : "an address";
}

/*
 * What stands at an offset: the address that is put there, text, or 4 bytes. Of a larger number
 * that is all as well where it is a small one, and of a table of smaller ones no more than one.
 */
static const char *entry_text(struct arena *arena, const struct part_set *set,
			      const struct part *part, uint64_t offset)
{
	const uint8_t *data = contents(set->object, part);
	uint64_t end = part->size;
	size_t count;
	const struct object_reloc *relocs = relocs_of(set->object, part, &count);

	for (size_t i = count; i > 0 && relocs[i - 1].offset - part->start >= offset; i--) {
		end = relocs[i - 1].offset - part->start;
		if (end == offset)
			return address_text(arena, set, part, &relocs[i - 1]);
	}
	if (data && end - offset > 4 && isprint(data[offset]) && isprint(data[offset + 1]) &&
	    isprint(data[offset + 2]) && isprint(data[offset + 3])) {
		const char *text = string_at(arena, &set->object->sections[part->section],
					     part->start + offset);

		if (text)
			return text;
	}
	return bytes_text(arena, data ? data + offset : NULL, end - offset > 4 ? 4 : end - offset);
}

static uint64_t reloc_size(const struct comparer *comparer, const struct object_reloc *reloc)
{
	struct arch_reloc_info info = {.size = 1};

	comparer->original->arch->reloc_info(reloc->type, &info);
	return info.size ? info.size : 1;
}

/* Without contents: zeroes. */
static bool same_bytes(const uint8_t *left, const uint8_t *right, uint64_t from, uint64_t to)
{
	for (uint64_t i = from; i < to; i++)
		if ((left ? left[i] : 0) != (right ? right[i] : 0))
			return false;
	return true;
}

static bool same_address(struct comparer *comparer, const struct part *original,
			 const struct object_reloc *left, const struct part *patched,
			 const struct object_reloc *right)
{
	struct reference old = part_reference(comparer->original, original->section, left);
	struct reference new = part_reference(comparer->patched, patched->section, right);

	return compare_references(comparer, &old, &new);
}

bool difference_can_be_written(struct comparer *comparer, const struct part *original,
			       const struct part *patched)
{
	size_t count, other;
	const struct object_reloc *left = relocs_of(comparer->original->object, original, &count);
	const struct object_reloc *right = relocs_of(comparer->patched->object, patched, &other);

	if (original->size != patched->size || count != other)
		return false;
	for (size_t i = 0; i < count; i++)
		if (left[i].type != right[i].type ||
		    left[i].offset - original->start != right[i].offset - patched->start ||
		    (reloc_size(comparer, &left[i]) != ADDRESS_SIZE &&
		     !same_address(comparer, original, &left[i], patched, &right[i])))
			return false;
	return true;
}

bool difference_next_run(struct comparer *comparer, const struct part *original,
			 const struct part *patched, uint64_t *from, struct difference_run *run)
{
	const uint8_t *left = contents(comparer->original->object, original);
	const uint8_t *right = contents(comparer->patched->object, patched);
	size_t count, other;
	const struct object_reloc *old = relocs_of(comparer->original->object, original, &count);
	const struct object_reloc *new = relocs_of(comparer->patched->object, patched, &other);

	for (size_t i = 0; i <= count && *from < original->size; i++) {
		uint64_t start = *from;
		uint64_t end = i < count ? old[i].offset - original->start : original->size;

		if (end < start)
			continue;
		if (end > start) {
			*from = end;
			*run = (struct difference_run){.offset = start, .size = end - start};
			if (!same_bytes(left, right, start, end))
				return true;
		}
		if (i == count)
			break;
		*from = end + reloc_size(comparer, &old[i]);
		*run = (struct difference_run){.offset = end, .size = *from - end, .address = true};
		if (!same_address(comparer, original, &old[i], patched, &new[i]))
			return true;
	}
	return false;
}

/* Where the first address or byte is that differs; the size where it is none of them. */
static uint64_t first_difference(struct comparer *comparer, const struct part *original,
				 const struct part *patched)
{
	const struct part_set *sets[] = {comparer->original, comparer->patched};
	const uint8_t *left = contents(sets[0]->object, original);
	const uint8_t *right = contents(sets[1]->object, patched);
	size_t left_count, right_count, a = 0, b = 0;
	const struct object_reloc *l = relocs_of(sets[0]->object, original, &left_count);
	const struct object_reloc *r = relocs_of(sets[1]->object, patched, &right_count);
	uint64_t at = 0;

	while (at < original->size) {
		bool before = a < left_count && l[a].offset - original->start == at;
		bool after = b < right_count && r[b].offset - patched->start == at;
		struct reference one, other;

		if (before != after)
			return at;
		if (!before) {
			if (!same_bytes(left, right, at, at + 1))
				return at / 4 * 4;
			at++;
			continue;
		}
		one = part_reference(sets[0], original->section, &l[a]);
		other = part_reference(sets[1], patched->section, &r[b++]);
		if (!compare_references(comparer, &one, &other))
			return at;
		at += reloc_size(comparer, &l[a++]);
	}
	return original->size;
}

const char *difference_text(struct comparer *comparer, const struct part *original,
			    const struct part *patched)
{
	struct arena *arena = comparer->arena;
	const struct object *o = comparer->original->object;
	const struct object *p = comparer->patched->object;
	const char *text;
	uint64_t at;

	/* One number, or what a line has room for. */
	if (!difference_has_addresses(o, original) && !difference_has_addresses(p, patched) &&
	    (original->size != patched->size || original->size <= BYTES_SHOWN)) {
		text = arena_format(arena, "%s (%llu bytes) -> %s (%llu bytes)",
				    bytes_text(arena, contents(o, original), original->size),
				    (unsigned long long)original->size,
				    bytes_text(arena, contents(p, patched), patched->size),
				    (unsigned long long)patched->size);
		return text ? text : "";
	}
	if (original->size != patched->size) {
		text = arena_format(arena, "%llu bytes -> %llu bytes",
				    (unsigned long long)original->size,
				    (unsigned long long)patched->size);
		return text ? text : "";
	}
	at = first_difference(comparer, original, patched);
	if (at >= original->size)
		return "what it refers to";
	text = arena_format(arena, "%s -> %s at byte %llu of %llu",
			    entry_text(arena, comparer->original, original, at),
			    entry_text(arena, comparer->patched, patched, at),
			    (unsigned long long)at, (unsigned long long)original->size);
	return text ? text : "";
}

/* SPDX-License-Identifier: MIT */
/* Pairing parts: exact names, then numbered ones by declaration or contents, then the only ones
 * left. */
#include "correlate.h"

#include "compare.h"
#include "nameindex.h"
#include "renamed.h"

#include "base/error.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

/* Both objects, and their parts by what their names begin with. */
struct pairing {
	struct part_set *original;
	struct part_set *patched;
	struct name_index stems_original;
	struct name_index stems_patched;
};

static bool has_twin_by_name(const struct part *part)
{
	return part->kind != PART_CONTENT && part->kind != PART_CHILD && part->symbol;
}

static bool pairable(const struct part *part)
{
	return has_twin_by_name(part) && !part->twin;
}

static bool index_stems(struct arena *arena, const struct part_set *set, struct name_index *stems)
{
	if (!name_index_init(stems, arena, set->count))
		return false;
	for (size_t i = 0; i < set->count; i++)
		if (has_twin_by_name(set->list[i]))
			name_index_add(stems, set->list[i]->name, set->list[i]->stem, i);
	name_index_sort(stems);
	return true;
}

/* The parts whose names have the stem of this one's: none else is of its name, or like it. */
static const struct name_entry *stem_of(const struct name_index *stems, const struct part *part,
					size_t *count)
{
	return name_index_find(stems, part->name, part->stem, count);
}

static bool same_class(const struct part *a, const struct part *b)
{
	return a->kind == b->kind && a->tls == b->tls;
}

static bool same_stem(const struct part *a, const struct part *b)
{
	return a->numbered == b->numbered && a->stem == b->stem &&
	       strncmp(a->name, b->name, a->stem) == 0 && same_class(a, b) &&
	       a->global == b->global;
}

static void pair(struct part *a, struct part *b)
{
	a->twin = b;
	b->twin = a;
}

/* Names that the program or the language gave: one thing each. */
static void pair_by_name(struct pairing *pairing)
{
	for (size_t i = 0; i < pairing->original->count; i++) {
		struct part *a = pairing->original->list[i];
		const struct name_entry *near;
		struct part *match = NULL;
		size_t matches = 0, count;

		if (!pairable(a) || a->numbered)
			continue;
		near = stem_of(&pairing->stems_patched, a, &count);
		for (size_t k = 0; k < count; k++) {
			struct part *b = pairing->patched->list[near[k].value];

			if (!pairable(b) || !same_class(a, b) || strcmp(a->name, b->name) != 0)
				continue;
			match = b;
			matches++;
		}
		if (matches == 1)
			pair(a, match);
	}
}

/* The same piece of a variable that the compiler may have taken apart. */
static bool same_form(const struct part *a, const struct part *b)
{
	return !a->identity.form || !b->identity.form ||
	       strcmp(a->identity.form, b->identity.form) == 0;
}

static bool same_owner(const struct part *a, const struct part *b)
{
	const char *left = a->identity.owner ? a->identity.owner : "";
	const char *right = b->identity.owner ? b->identity.owner : "";

	return strcmp(left, right) == 0;
}

/* Macros of lists put into one function declare in several files, with the same lines. */
static bool same_file(const struct part *a, const struct part *b)
{
	const char *left = a->identity.file ? strrchr(a->identity.file, '/') : NULL;
	const char *right = b->identity.file ? strrchr(b->identity.file, '/') : NULL;

	/* P is compiled in a view of the tree: folders differ. */
	return !left || !right || strcmp(left, right) == 0;
}

/*
 * Tells clones that were only renumbered from others. What they refer to is compared later, so a
 * wrong guess makes both "changed" and nothing worse: all callers of a local function are in the
 * unit, and one that now means another clone is itself changed.
 */
static bool alike(const struct part_set *original, const struct part *a,
		  const struct part_set *patched, const struct part *b)
{
	const struct comparer comparer = {.original = original, .patched = patched};

	return compare_shapes(&comparer, a, b);
}

enum likeness {
	LIKE_DECLARATION, /* data: same function, same line */
	LIKE_CONTENTS,	  /* functions: same bytes */
	LIKE_NAME,	  /* functions: same number */
	LIKE_OWNER,	  /* data: the only one of that name in its function */
	LIKE_STEM,	  /* the only one of that name */
};

static bool like(enum likeness likeness, const struct part_set *original, const struct part *a,
		 const struct part_set *patched, const struct part *b)
{
	bool data = a->kind == PART_DATA;

	if (!same_stem(a, b))
		return false;
	/* What DWARF says to be of two functions is never one thing. */
	if (data && a->identity.line && b->identity.line && (!same_owner(a, b) || !same_form(a, b)))
		return false;
	switch (likeness) {
	case LIKE_DECLARATION:
		return data && a->identity.line && a->identity.line == b->identity.line &&
		       same_file(a, b);
	case LIKE_CONTENTS:
		return !data && alike(original, a, patched, b);
	case LIKE_NAME:
		return !data && strcmp(a->name, b->name) == 0;
	case LIKE_OWNER:
		return data && a->identity.line && b->identity.line;
	case LIKE_STEM:
		return true;
	}
	return false;
}

/*
 * Pairs what is alike in exactly one way. The "only one" rules look at all parts of the stem, also
 * at those already paired: a static that went and another that came are not the same one.
 */
static void pair_alike(struct pairing *pairing, enum likeness likeness)
{
	const struct part_set *original = pairing->original, *patched = pairing->patched;
	bool lone = likeness == LIKE_OWNER || likeness == LIKE_STEM;

	for (size_t i = 0; i < original->count; i++) {
		struct part *a = original->list[i];
		const struct name_entry *near;
		struct part *match = NULL;
		size_t forward = 0;
		size_t backward = 0;
		size_t count;

		if (!pairable(a))
			continue;
		near = stem_of(&pairing->stems_patched, a, &count);
		for (size_t k = 0; k < count; k++) {
			struct part *b = patched->list[near[k].value];

			if ((pairable(b) || (lone && b->twin && a->kind == PART_DATA)) &&
			    like(likeness, original, a, patched, b)) {
				match = b;
				forward++;
			}
		}
		if (forward != 1 || !pairable(match))
			continue;
		near = stem_of(&pairing->stems_original, match, &count);
		for (size_t k = 0; k < count; k++) {
			struct part *c = original->list[near[k].value];

			if ((pairable(c) || (lone && c->twin && a->kind == PART_DATA)) &&
			    like(likeness, original, c, patched, match))
				backward++;
		}
		if (backward == 1)
			pair(a, match);
	}
}

/* Objects without a name in the source: `&(struct call){...}` at file scope. */
static bool is_nameless(const struct part *part)
{
	return pairable(part) && part->kind == PART_DATA && part->numbered && !part->identity.line;
}

/* What one initialiser of twins leads to, nameless as it is, is one thing. */
static bool pair_led_to(struct pairing *pairing, const struct part *a)
{
	const struct part_set *sets[] = {pairing->original, pairing->patched};
	const struct part *parts[] = {a, a->twin};
	const struct object_reloc *relocs[2];
	size_t counts[2];
	bool progress = false;

	for (int i = 0; i < 2; i++) {
		if (parts[i]->section == OBJECT_COMMON)
			return false;
		relocs[i] = object_relocs(&sets[i]->object->sections[parts[i]->section],
					  parts[i]->start, parts[i]->start + parts[i]->size,
					  &counts[i]);
	}
	for (size_t i = 0, k = 0; i < counts[0] && k < counts[1];) {
		uint64_t left = relocs[0][i].offset - parts[0]->start;
		uint64_t right = relocs[1][k].offset - parts[1]->start;
		struct reference old, new;

		if (left != right) {
			if (left < right)
				i++;
			else
				k++;
			continue;
		}
		old = part_reference(sets[0], parts[0]->section, &relocs[0][i++]);
		new = part_reference(sets[1], parts[1]->section, &relocs[1][k++]);
		if (!old.part || !new.part || old.offset != new.offset || !is_nameless(old.part) ||
		    !is_nameless(new.part) || !same_stem(old.part, new.part))
			continue;
		pair(old.part, new.part);
		progress = true;
	}
	return progress;
}

static void pair_nameless(struct pairing *pairing)
{
	bool progress = true;

	while (progress) {
		progress = false;
		for (size_t i = 0; i < pairing->original->count; i++) {
			const struct part *a = pairing->original->list[i];

			if (a->kind == PART_DATA && a->twin)
				progress |= pair_led_to(pairing, a);
		}
	}
}

/* The children of twins are twins, whatever their numbers are. */
static bool pair_children(struct arena *arena, struct pairing *pairing)
{
	struct part **children = arena_array(arena, pairing->patched->count, sizeof(*children));
	size_t count = 0;

	if (!children)
		return false;
	for (size_t i = 0; i < pairing->patched->count; i++)
		if (pairing->patched->list[i]->kind == PART_CHILD)
			children[count++] = pairing->patched->list[i];
	for (size_t i = 0; i < pairing->original->count; i++) {
		struct part *a = pairing->original->list[i];

		for (size_t k = 0; a->kind == PART_CHILD && !a->twin && k < count; k++) {
			struct part *b = children[k];

			if (!b->twin && a->parent->twin == b->parent)
				pair(a, b);
		}
	}
	return true;
}

/* Variables of O and P that are left and might be each other. */
static void mark_ambiguous(struct pairing *pairing)
{
	for (size_t i = 0; i < pairing->patched->count; i++) {
		struct part *b = pairing->patched->list[i];
		const struct name_entry *near;
		size_t count;

		if (!pairable(b) || b->kind != PART_DATA)
			continue;
		near = stem_of(&pairing->stems_original, b, &count);
		for (size_t k = 0; k < count; k++) {
			struct part *a = pairing->original->list[near[k].value];

			if (!pairable(a) || a->kind != PART_DATA || !same_stem(a, b))
				continue;
			if (a->identity.line && b->identity.line &&
			    (!same_owner(a, b) || !same_form(a, b)))
				continue;
			a->unpaired = true;
			b->unpaired = true;
		}
	}
}

int correlate_parts(struct arena *arena, struct part_set *original, struct part_set *patched,
		    struct suture_error *err)
{
	struct pairing pairing = {.original = original, .patched = patched};
	struct renames renames;

	if (!index_stems(arena, original, &pairing.stems_original) ||
	    !index_stems(arena, patched, &pairing.stems_patched))
		return error_no_memory(err);
	pair_by_name(&pairing);
	pair_alike(&pairing, LIKE_DECLARATION);
	pair_nameless(&pairing);
	for (int i = LIKE_CONTENTS; i <= LIKE_STEM; i++)
		pair_alike(&pairing, (enum likeness)i);
	if (!renamed_pair(arena, original, patched, &renames) || !pair_children(arena, &pairing))
		return error_no_memory(err);
	renamed_confirm(arena, original, patched, &renames);
	mark_ambiguous(&pairing);
	return 0;
}

static bool index_symbols(struct arena *arena, const struct object *v, struct name_index *names)
{
	if (!name_index_init(names, arena, v->symbol_count))
		return false;
	for (uint32_t i = 1; i < v->symbol_count; i++) {
		const struct object_symbol *symbol = &v->symbols[i];

		if (symbol->type != STT_FILE && symbol->type != STT_SECTION &&
		    symbol->section != OBJECT_UNDEFINED)
			name_index_add(names, symbol->name, strlen(symbol->name), i);
	}
	name_index_sort(names);
	return true;
}

/* The symbol of V that is O's part: the same name and kind, which O and V number alike. */
static uint32_t find_in_proof(const struct name_index *names, const struct part *part)
{
	size_t count;
	const struct name_entry *found =
		name_index_find(names, part->name, strlen(part->name), &count);

	return found && count == 1 ? (uint32_t)found->value : 0;
}

/* COMMON symbols and copies of COMDAT things elsewhere: known by their global name alone. */
static bool address_by_name(const struct binary *binary, const struct part *part, uint64_t *address)
{
	size_t count;
	const struct binary_symbol *symbols = binary_symbols(binary, part->name, &count);

	if (!count || !symbols[0].defined || (symbols[0].type == STT_TLS) != part->tls ||
	    (symbols[0].bind == STB_LOCAL && count > 1 && symbols[1].defined))
		return false;
	*address = symbols[0].address;
	return true;
}

int correlate_proof(struct arena *arena, struct part_set *original, const struct proof *proof,
		    const char *source, struct refusals *refusals, struct suture_error *err)
{
	const struct object *v = proof->object;
	struct name_index names;

	if (!index_symbols(arena, v, &names))
		return error_no_memory(err);
	for (size_t i = 0; i < original->count; i++) {
		struct part *part = original->list[i];
		uint32_t symbol;

		if (!part->symbol || part->kind == PART_CONTENT)
			continue;
		symbol = find_in_proof(&names, part);
		if (!symbol) {
			if (part->kind == PART_FUNCTION || part->kind == PART_CHILD)
				refusals_add(refusals, SUTURE_E_VERIFY_MISMATCH, source, 0,
					     "the compiler treats this unit differently with "
					     "-ffunction-sections: exclude it from the patch",
					     "%s: %s is there only with -ffunction-sections",
					     source, part->name);
			continue;
		}
		part->target_size = v->symbols[symbol].size;
		part->proof_name = v->symbols[symbol].name;
		part->lost = proof_lost(proof, symbol, &part->target);
		part->has_target = part->lost || proof_address(proof, symbol, &part->target);
		if (part->has_target && !part->lost &&
		    (part->kind == PART_FUNCTION || part->kind == PART_CHILD))
			part->replaceable = proof->functions[symbol] == FUNCTION_EXACT ||
					    proof->functions[symbol] == FUNCTION_EQUIVALENT;
		if (!part->has_target && part->global)
			part->has_target = address_by_name(proof->binary, part, &part->target);
	}
	return 0;
}

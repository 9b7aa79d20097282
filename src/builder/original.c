/* SPDX-License-Identifier: MIT */
/*
 * Comparing V with O. In V one section has many functions, so that the assembler has resolved what
 * in O is a relocation, and has shortened jumps:
 *
 *	V                                   O
 *	call  f        (no relocation)      call  f      PLT32 .text.f
 *	jmp   f        2 bytes              jmp   f      5 bytes, PLT32
 *	je    1f       2 bytes              je    1f     6 bytes: 1 has moved away
 *
 * With that jumps inside a function change their width too, even where its size stays. Functions
 * that are not equal byte for byte are therefore walked instruction by instruction: once
 * to learn which belong together, once more to compare what they refer to.
 */
#include "original.h"

#include "base/error.h"
#include "compare.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_INSN = 15 };

/* Two functions being walked. */
struct walk {
	struct comparer *comparer;
	const struct part *left;  /* of V */
	const struct part *right; /* of O */
	const uint8_t *left_code;
	const uint8_t *right_code;
	int64_t *moved; /* first walk: filled */
	uint64_t at;	/* in left */
	uint64_t to;	/* in right */
	struct arch_insn left_insn;
	struct arch_insn right_insn;
};

static const struct object_section *section_of(const struct part_set *set, const struct part *part)
{
	return &set->object->sections[part->section];
}

static const struct object_reloc *relocs_of(const struct part_set *set, const struct part *part,
					    uint64_t at, uint64_t size, size_t *count)
{
	return object_relocs(section_of(set, part), part->start + at, part->start + at + size,
			     count);
}

static bool same_place(const struct part *part, int64_t left, int64_t right)
{
	if (!part->moved || left < 0 || (uint64_t)left >= part->size)
		return left == right;
	return part->moved[left] == right;
}

/* Decodes at both places; false where either has no instruction. Addresses are section offsets. */
static bool decode(struct walk *w)
{
	const struct arch_ops *arch = w->comparer->original->arch;

	return arch->decode(w->left_code + w->at, w->left->size - w->at, w->left->start + w->at,
			    &w->left_insn) == ARCH_OK &&
	       arch->decode(w->right_code + w->to, w->right->size - w->to, w->right->start + w->to,
			    &w->right_insn) == ARCH_OK;
}

static bool is_padding(const struct walk *w, const uint8_t *code, uint64_t size, uint64_t at,
		       struct arch_insn *insn)
{
	return at < size &&
	       w->comparer->original->arch->decode(code + at, size - at, 0, insn) == ARCH_OK &&
	       insn->kind == ARCH_INSN_PADDING;
}

/*
 * Fills between instructions depend on where these stand. At -O0 a nop is a statement, to which
 * code may jump: one lies on the other, as far as there are any on both sides.
 */
static void skip_padding(struct walk *w)
{
	for (;;) {
		struct arch_insn left, right;
		bool fills = is_padding(w, w->left_code, w->left->size, w->at, &left);
		bool filled = is_padding(w, w->right_code, w->right->size, w->to, &right);

		if (fills && w->moved)
			w->moved[w->at] = (int64_t)w->to;
		w->at += fills ? left.size : 0;
		w->to += filled ? right.size : 0;
		if (!fills && !filled)
			return;
	}
}

/* The bytes with relocation fields as zeroes. */
static bool masked(struct walk *w, const struct part_set *set, const struct part *part, uint64_t at,
		   const uint8_t *code, size_t size, uint8_t out[MAX_INSN])
{
	size_t count;
	const struct object_reloc *relocs = relocs_of(set, part, at, size, &count);

	if (size > MAX_INSN)
		return false;
	memcpy(out, code + at, size);
	for (size_t i = 0; i < count; i++) {
		uint64_t offset = relocs[i].offset - part->start - at;
		struct arch_reloc_info info;

		if (w->comparer->original->arch->reloc_info(relocs[i].type, &info) != ARCH_OK ||
		    info.size > size - offset)
			return false;
		memset(out + offset, 0, info.size);
	}
	return true;
}

static bool same_operation(struct walk *w)
{
	const struct comparer *c = w->comparer;
	uint8_t left[MAX_INSN];
	uint8_t right[MAX_INSN];

	return masked(w, c->original, w->left, w->at, w->left_code, w->left_insn.size, left) &&
	       masked(w, c->patched, w->right, w->to, w->right_code, w->right_insn.size, right) &&
	       c->original->arch->same_operation(left, w->left_insn.size, right,
						 w->right_insn.size);
}

/* What V's instruction refers to, resolved by the assembler. */
static struct reference resolved(const struct walk *w)
{
	const struct part_set *set = w->comparer->original;
	struct reference ref = {.kind = REFERENCE_PART,
				.symbol = &set->object->symbols[0],
				.section = w->left->section};

	ref.part = part_at(set, ref.section, (int64_t)w->left_insn.target);
	if (ref.part)
		ref.offset = (int64_t)(w->left_insn.target - ref.part->start);
	return ref;
}

/* Each relocation of O's instruction is in V too, or was resolved there. */
static bool same_references(struct walk *w)
{
	struct comparer *c = w->comparer;
	size_t left_count;
	size_t right_count;
	size_t used = 0;
	const struct object_reloc *left =
		relocs_of(c->original, w->left, w->at, w->left_insn.size, &left_count);
	const struct object_reloc *right =
		relocs_of(c->patched, w->right, w->to, w->right_insn.size, &right_count);
	uint64_t left_base = w->left->start + w->at;
	uint64_t right_base = w->right->start + w->to;

	for (size_t i = 0; i < right_count; i++) {
		struct reference r = part_reference(c->patched, w->right->section, &right[i]);
		struct reference l;

		if (used < left_count &&
		    left[used].offset - left_base == right[i].offset - right_base) {
			l = part_reference(c->original, w->left->section, &left[used++]);
		} else if (w->left_insn.has_target && w->right_insn.has_target) {
			l = resolved(w);
		} else {
			return false;
		}
		if (!compare_references(c, &l, &r))
			return false;
	}
	if (used != left_count)
		return false;
	if (!right_count && w->left_insn.has_target)
		return same_place(w->left, (int64_t)(w->left_insn.target - w->left->start),
				  (int64_t)(w->right_insn.target - w->right->start));
	return true;
}

static bool walk(struct walk *w)
{
	w->at = 0;
	w->to = 0;
	for (;;) {
		skip_padding(w);
		if (w->at >= w->left->size || w->to >= w->right->size)
			return w->at >= w->left->size && w->to >= w->right->size;
		if (!decode(w))
			return false;
		if (w->moved)
			w->moved[w->at] = (int64_t)w->to;
		if (w->moved ? !same_operation(w) : !same_references(w))
			return false;
		w->at += w->left_insn.size;
		w->to += w->right_insn.size;
	}
}

static struct walk walk_of(struct comparer *comparer, const struct part *part)
{
	struct walk w = {.comparer = comparer, .left = part, .right = part->twin};

	w.left_code = section_of(comparer->original, w.left)->data;
	w.right_code = section_of(comparer->patched, w.right)->data;
	if (w.left_code && w.right_code) {
		w.left_code += w.left->start;
		w.right_code += w.right->start;
	}
	return w;
}

static bool is_code(const struct part *part)
{
	return part->kind == PART_FUNCTION || part->kind == PART_CHILD;
}

/* Could the bytes be equal? Otherwise a walk says how the functions lie on each other. */
static bool looks_equal(const struct comparer *comparer, const struct part *part)
{
	size_t left;
	size_t right;

	relocs_of(comparer->original, part, 0, part->size, &left);
	relocs_of(comparer->patched, part->twin, 0, part->twin->size, &right);
	return left == right && compare_shapes(comparer, part, part->twin);
}

/* False when out of memory. A walk that fails leaves `moved` empty: the comparison fails later. */
static bool lay(struct comparer *comparer, struct part *part)
{
	struct walk w = walk_of(comparer, part);

	if (looks_equal(comparer, part) || !w.left_code || !w.right_code)
		return true;
	w.moved = arena_array(comparer->arena, part->size, sizeof(*w.moved));
	if (!w.moved)
		return false;
	for (uint64_t i = 0; i < part->size; i++)
		w.moved[i] = INT64_MIN;
	if (walk(&w))
		part->moved = w.moved;
	return true;
}

/*
 * Does an instruction stand elsewhere? The size may be the same all the same: padding further on
 * can take up what an assembler made shorter.
 */
static bool is_shifted(const struct part *part)
{
	for (uint64_t i = 0; i < part->size; i++)
		if (part->moved[i] != INT64_MIN && part->moved[i] != (int64_t)i)
			return true;
	return part->size != part->twin->size;
}

static bool same(struct comparer *comparer, const struct part *part)
{
	struct walk w;

	if (!part->moved)
		return compare_parts(comparer, part, part->twin);
	w = walk_of(comparer, part);
	if (!walk(&w))
		return false;
	/* Offsets in the exception table moved with the code: what it refers to must not change. */
	if (is_shifted(part))
		return !part->lsda_section == !part->twin->lsda_section;
	return compare_tables(comparer, part, part->twin);
}

static bool compared(const struct part *part)
{
	return part->symbol && part->kind != PART_CONTENT;
}

static int by_name(const void *left, const void *right)
{
	const struct part *a = *(struct part *const *)left;
	const struct part *b = *(struct part *const *)right;

	return strcmp(a->name, b->name);
}

/* V and O number the compiler's names alike: a name is one thing in both. */
int original_pair(struct arena *arena, struct part_set *verified, struct part_set *original)
{
	struct part **sorted = arena_array(arena, original->count, sizeof(struct part *));
	size_t count = 0;

	if (!sorted)
		return -(int)SUTURE_E_NO_MEMORY;
	for (size_t i = 0; i < original->count; i++)
		if (compared(original->list[i]))
			sorted[count++] = original->list[i];
	qsort(sorted, count, sizeof(*sorted), by_name);
	for (size_t i = 0; i < verified->count; i++) {
		struct part *part = verified->list[i];
		struct part **found;

		if (!compared(part) || !count)
			continue;
		found = bsearch(&part, sorted, count, sizeof(*sorted), by_name);
		if (found && (*found)->kind == part->kind && (*found)->tls == part->tls)
			part->twin = *found;
		if (part->twin)
			part->twin->twin = part;
	}
	return 0;
}

static void refuse(struct session *session, const struct unit *unit, struct refusal_names *names,
		   const char *what)
{
	/* It finds other places for instructions around what a debugger wants to know. */
	static const char with_debug[] =
		"build the server with -g, and strip it if need be: clang's code may depend on it, "
		"and what is compared has it, for --on and --accept-layout in any case; else build "
		"from the very sources, flags and compiler that made the binary";
	static const char very_same[] =
		"build from the very sources, flags and compiler that made the binary; "
		"an object file may be older than its source";

	/* Of a unit that is compared without -g that can't be it. */
	bool matters = unit->input->debug_matters && !unit->input->o_described;

	refusal_names_finish(names);
	if (names->count && matters)
		strings_add_once(&session->result->unlike, unit->source);
	if (names->count)
		refusals_add(&session->result->refusals, SUTURE_E_VERIFY_MISMATCH, unit->source, 0,
			     matters ? with_debug : very_same,
			     "%zu functions or variables of %s %s: %s", names->count, unit->source,
			     what, names->text);
}

static void list_lonely(const struct part_set *set, struct refusal_names *names)
{
	for (size_t i = 0; i < set->count; i++)
		if (compared(set->list[i]) && !set->list[i]->twin)
			refusal_names_add(names, set->list[i]->name);
}

/*
 * The function that a function of O refers to a place outside of, or NULL: `.set before, f - 16` in
 * assembler, or such arithmetic in C. In V that place is in a neighbour, or in front of all.
 */
static const struct part *refers_beside(const struct part_set *set, const struct part *part)
{
	size_t count;
	const struct object_reloc *relocs = relocs_of(set, part, 0, part->size, &count);

	for (size_t i = 0; is_code(part) && i < count; i++) {
		struct reference ref = part_reference(set, part->section, &relocs[i]);

		if (ref.kind == REFERENCE_PART && is_code(ref.part) &&
		    (ref.offset < 0 || (uint64_t)ref.offset > ref.part->size))
			return ref.part;
	}
	return NULL;
}

static void note_difference(struct session *session, const struct unit *unit,
			    const struct part *part, struct refusal_names *different)
{
	const struct part *beside = refers_beside(&unit->original, part->twin);

	if (beside)
		refusals_add(&session->result->refusals, SUTURE_E_UNSUPPORTED, unit->source, 0,
			     "let the code refer to a function or variable instead",
			     "%s in %s refers to a place outside of %s, by a label that the "
			     "assembler was told to set there or by arithmetic with its address",
			     part->name, unit->source, beside->name);
	else
		refusal_names_add(different, part->name);
}

static void compare_all(struct session *session, struct unit *unit)
{
	struct comparer comparer = {.arena = &session->arena,
				    .original = &unit->verified,
				    .patched = &unit->original,
				    .same_place = same_place};
	struct refusal_names different = {0};
	struct refusal_names gone = {0};
	struct refusal_names added = {0};

	for (size_t i = 0; i < unit->verified.count; i++) {
		struct part *part = unit->verified.list[i];

		if (part->twin && is_code(part) && !lay(&comparer, part))
			return; /* noted in the arena */
	}
	for (size_t i = 0; i < unit->verified.count; i++) {
		struct part *part = unit->verified.list[i];

		if (part->twin && !same(&comparer, part))
			note_difference(session, unit, part, &different);
	}
	list_lonely(&unit->verified, &gone);
	list_lonely(&unit->original, &added);
	refuse(session, unit, &different, "are not what the binary's object file has");
	refuse(session, unit, &gone, "are in the binary's object file, not in what was compiled");
	refuse(session, unit, &added, "were compiled, and are not in the binary's object file");
}

int original_check(struct session *session, struct unit *unit)
{
	const struct arch_ops *arch = session->binary.arch;
	int code = part_set_build(&session->arena, arch, &unit->v, &unit->verified, session->err);

	if (code)
		return code;
	if (original_pair(&session->arena, &unit->verified, &unit->original))
		return error_no_memory(session->err);
	compare_all(session, unit);
	/* O's twins are P's parts from here on. */
	for (size_t i = 0; i < unit->original.count; i++)
		unit->original.list[i]->twin = NULL;
	if (!strings_ok(&session->result->unlike))
		return error_no_memory(session->err);
	return arena_check(&session->arena, session->err);
}

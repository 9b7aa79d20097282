/* SPDX-License-Identifier: MIT */
/* The way from taking a guard to releasing it, walked in both objects; see making.h. */
#include "making.h"

#include <string.h>

/* An instruction of the function. */
struct step {
	uint64_t at; /* in the section */
	struct arch_insn insn;
	size_t branch; /* where a direct branch leads; COUNT: elsewhere */
	bool takes;    /* it takes a guard, whichever */
	bool releases;
	bool reached; /* from the call that takes the guard */
	bool leads;   /* to the one that releases it */
	bool walked;
	size_t place; /* in the order, once it is walked */
};

struct making {
	const struct part_set *set;
	const struct part *function;
	const struct part *guard;
	struct step *steps;
	size_t count;
	size_t from; /* behind the call that takes the guard */
	size_t to;   /* the call that releases it */
	/* The steps on the way, as they are walked; COUNT + PLACE: on with what stands there. */
	size_t *order;
	size_t ordered;
};

static const struct object_section *section_of(const struct making *making)
{
	return &making->set->object->sections[making->function->section];
}

static const struct object_reloc *relocs_of(const struct making *making, const struct step *step,
					    size_t *count)
{
	return object_relocs(section_of(making), step->at, step->at + step->insn.size, count);
}

static bool calls(const struct making *making, const struct step *step, const char *name)
{
	size_t count;
	const struct object_reloc *relocs = relocs_of(making, step, &count);
	struct reference ref;

	if (step->insn.kind != ARCH_INSN_CALL || count != 1)
		return false;
	ref = part_reference(making->set, making->function->section, relocs);
	return ref.kind == REFERENCE_EXTERNAL && strcmp(ref.symbol->name, name) == 0;
}

/* The guard that is named last before a step, or NULL. */
static const struct part *guard_before(const struct making *making, size_t step)
{
	while (step-- > 0) {
		size_t count;
		const struct object_reloc *relocs = relocs_of(making, &making->steps[step], &count);
		struct reference ref;

		if (!count)
			continue;
		ref = part_reference(making->set, making->function->section, relocs);
		if (ref.part && strncmp(ref.part->name, "_ZGVZ", 5) == 0)
			return ref.part;
	}
	return NULL;
}

static size_t step_at(const struct making *making, uint64_t at)
{
	size_t low = 0, high = making->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (making->steps[middle].at < at)
			low = middle + 1;
		else
			high = middle;
	}
	return low < making->count && making->steps[low].at == at ? low : making->count;
}

static bool decode_all(struct arena *arena, struct making *making)
{
	const struct part *function = making->function;
	const struct object_section *section = section_of(making);
	uint64_t end = function->start + function->size;
	size_t capacity = 0;

	for (uint64_t at = function->start; section->data && at < end;) {
		struct step step = {.at = at};

		making->steps = arena_grow(arena, making->steps, making->count, &capacity,
					   sizeof(*making->steps));
		if (!making->steps ||
		    making->set->arch->decode(section->data + at, end - at, at, &step.insn) !=
			    ARCH_OK ||
		    !step.insn.size)
			return false;
		making->steps[making->count++] = step;
		at += step.insn.size;
	}
	return making->count > 0;
}

static bool is_branch(const struct step *step)
{
	return step->insn.kind == ARCH_INSN_JUMP || step->insn.kind == ARCH_INSN_COND_JUMP;
}

/* Does the flow end here, or leave the way that is looked for? */
static bool stops(const struct step *step)
{
	return step->takes || step->releases || step->insn.kind == ARCH_INSN_RETURN ||
	       step->insn.kind == ARCH_INSN_TRAP || step->insn.kind == ARCH_INSN_INDIRECT_JUMP;
}

/* The call that takes the guard: only one, or it was put in more than once. */
static bool find_taking(struct making *making)
{
	for (size_t i = 0; i < making->count; i++) {
		struct step *step = &making->steps[i];
		size_t relocs;

		relocs_of(making, step, &relocs);
		step->takes = calls(making, step, "__cxa_guard_acquire");
		step->releases = calls(making, step, "__cxa_guard_release");
		step->branch = is_branch(step) && step->insn.has_target && !relocs
				       ? step_at(making, step->insn.target)
				       : making->count;
		if (!step->takes || guard_before(making, i) != making->guard)
			continue;
		if (making->from)
			return false;
		making->from = i + 1;
	}
	return making->from && making->from < making->count;
}

/* The one call that releases a guard and is come to without taking another one. */
static bool find_releasing(struct arena *arena, struct making *making)
{
	size_t *open = arena_array(arena, 2 * making->count + 1, sizeof(*open));
	size_t depth = 0;

	if (!open)
		return false;
	open[depth++] = making->from;
	making->to = making->count;
	while (depth) {
		size_t i = open[--depth];
		struct step *step = &making->steps[i];

		if (i >= making->count || step->reached)
			continue;
		step->reached = true;
		if (step->releases && making->to < making->count)
			return false;
		if (step->releases)
			making->to = i;
		if (stops(step))
			continue;
		if (step->insn.kind != ARCH_INSN_JUMP)
			open[depth++] = i + 1;
		if (is_branch(step))
			open[depth++] = step->branch;
	}
	return making->to < making->count;
}

static bool leads_on(const struct making *making, size_t i)
{
	return i < making->count && (i == making->to || making->steps[i].leads);
}

/* Which steps come to the release? Backwards, until nothing is added. */
static void find_leading(struct making *making)
{
	bool again = true;

	making->steps[making->to].leads = true;
	while (again) {
		again = false;
		for (size_t i = making->count; i-- > 0;) {
			struct step *step = &making->steps[i];
			bool leads =
				step->reached && !stops(step) &&
				(leads_on(making, step->branch) ||
				 (step->insn.kind != ARCH_INSN_JUMP && leads_on(making, i + 1)));

			again |= leads && !step->leads;
			step->leads |= leads;
		}
	}
}

/* From one step on, until the way ends or comes to where it was before. */
static void walk_from(struct making *making, size_t i, size_t *later, size_t *depth)
{
	while (leads_on(making, i) && !making->steps[i].walked) {
		struct step *step = &making->steps[i];
		bool jumps = step->insn.kind == ARCH_INSN_JUMP && step->branch < making->count;

		step->walked = true;
		step->place = making->ordered;
		if (!jumps)
			making->order[making->ordered++] = i;
		if (stops(step))
			return;
		if (step->insn.kind == ARCH_INSN_COND_JUMP)
			later[(*depth)++] = step->branch;
		i = jumps ? step->branch : i + 1;
	}
	if (leads_on(making, i))
		making->order[making->ordered++] = making->count + making->steps[i].place;
}

/* In an order that does not depend on where the code stands. */
static bool walk(struct arena *arena, struct making *making)
{
	/* Each step is walked once, leaves one for later at most, and each of those ends once. */
	size_t *later = arena_array(arena, making->count + 1, sizeof(*later));
	size_t depth = 0;

	making->order = arena_array(arena, 2 * making->count + 1, sizeof(*making->order));
	if (!later || !making->order)
		return false;
	later[depth++] = making->from;
	while (depth) {
		size_t i = later[--depth];

		walk_from(making, i, later, &depth);
	}
	return making->ordered > 0;
}

static bool follow(struct arena *arena, struct making *making)
{
	if (!decode_all(arena, making) || !find_taking(making) || !find_releasing(arena, making))
		return false;
	find_leading(making);
	return walk(arena, making);
}

static bool same_bytes(const struct making *left, const struct step *a, const struct making *right,
		       const struct step *b)
{
	const struct object_reloc *relocs;
	size_t count;

	if (a->insn.size != b->insn.size)
		return false;
	relocs = relocs_of(left, a, &count);
	for (uint64_t i = 0, k = 0; i < a->insn.size; i++) {
		struct arch_reloc_info info = {.size = 0};

		if (k < count && relocs[k].offset == a->at + i) {
			if (left->set->arch->reloc_info(relocs[k++].type, &info) != ARCH_OK)
				return false;
			i += info.size ? info.size - 1U : 0;
		} else if (section_of(left)->data[a->at + i] !=
			   section_of(right)->data[b->at + i]) {
			return false;
		}
	}
	return true;
}

static bool same_step(struct comparer *comparer, const struct making *left, const struct step *a,
		      const struct making *right, const struct step *b)
{
	const struct object_reloc *l, *r;
	size_t count, other;

	if (a->insn.kind != b->insn.kind)
		return false;
	l = relocs_of(left, a, &count);
	r = relocs_of(right, b, &other);
	/* Where it leads on the way shows in the order of what follows. */
	if (is_branch(a) && a->insn.has_target && !count && !other)
		return leads_on(left, a->branch) == leads_on(right, b->branch) &&
		       left->set->arch->same_operation(section_of(left)->data + a->at, a->insn.size,
						       section_of(right)->data + b->at,
						       b->insn.size);
	if (count != other)
		return false;
	for (size_t i = 0; i < count; i++) {
		struct reference was, is;

		if (l[i].type != r[i].type || l[i].offset - a->at != r[i].offset - b->at)
			return false;
		was = part_reference(left->set, left->function->section, &l[i]);
		is = part_reference(right->set, right->function->section, &r[i]);
		if (!compare_references(comparer, &was, &is))
			return false;
	}
	return same_bytes(left, a, right, b);
}

bool making_same(struct comparer *comparer, const struct part *guard, const struct part *function)
{
	struct making old = {
		.set = comparer->original, .function = function->twin, .guard = guard->twin};
	struct making new = {.set = comparer->patched, .function = function, .guard = guard};

	if (!function->twin || !guard->twin || !follow(comparer->arena, &old) ||
	    !follow(comparer->arena, &new) || old.ordered != new.ordered)
		return false;
	for (size_t i = 0; i < old.ordered; i++) {
		size_t a = old.order[i], b = new.order[i];

		if (a >= old.count || b >= new.count) {
			if (a < old.count || b < new.count || a - old.count != b - new.count)
				return false;
		} else if (!same_step(comparer, &old, &old.steps[a], &new, &new.steps[b])) {
			return false;
		}
	}
	return true;
}

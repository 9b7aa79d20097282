/* SPDX-License-Identifier: MIT */
/* Placing the sections of V, in rounds: the best anchored first, then what these lead to. */
#include "verify.h"

#include "base/error.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

enum { MAX_CANDIDATES = 64 };

/* Whose names place a section, from certain to likely: a weak default may be another unit's. */
enum names { NAMES_GLOBAL, NAMES_LOCAL, NAMES_WEAK };

/* Where a section might be, and how many of its symbols say so. */
struct candidates {
	uint64_t base[MAX_CANDIDATES];
	unsigned votes[MAX_CANDIDATES];
	size_t count;
};

static void vote(struct candidates *candidates, uint64_t base)
{
	for (size_t i = 0; i < candidates->count; i++) {
		if (candidates->base[i] == base) {
			candidates->votes[i]++;
			return;
		}
	}
	if (candidates->count == MAX_CANDIDATES)
		return;
	candidates->base[candidates->count] = base;
	candidates->votes[candidates->count++] = 1;
}

static bool same_base_name(const char *left, const char *right)
{
	const char *a = strrchr(left, '/');
	const char *b = strrchr(right, '/');

	return strcmp(a ? a + 1 : left, b ? b + 1 : right) == 0;
}

/* The binary's symbols that may be `symbol` of the object. */
static void gather(const struct proof *proof, const struct object_symbol *symbol, enum names names,
		   struct candidates *candidates)
{
	size_t count;
	const struct binary_symbol *found;

	if (proof_is_weak_default(proof->object, symbol) != (names == NAMES_WEAK))
		return;
	found = binary_symbols(proof->binary, symbol->name, &count);
	for (size_t i = 0; i < count; i++) {
		const struct binary_symbol *there = &found[i];

		if (!there->defined || (there->type == STT_TLS) != (symbol->type == STT_TLS) ||
		    (there->dynamic && i > 0 && there->address == found[i - 1].address))
			continue;
		if (symbol->bind == STB_LOCAL) {
			if (names != NAMES_LOCAL || there->bind != STB_LOCAL ||
			    there->size != symbol->size)
				continue;
			if (there->file && proof->object->file &&
			    !same_base_name(there->file, proof->object->file))
				continue;
		}
		vote(candidates, there->address - symbol->value);
	}
}

static bool needs_place(const struct object_section *section)
{
	return (section->flags & SHF_ALLOC) && section->size > 0 && !(section->flags & SHF_MERGE) &&
	       section->type != SHT_NOTE &&
	       (section->type == SHT_PROGBITS || section->type == SHT_NOBITS) &&
	       strcmp(section->name, ".eh_frame") != 0;
}

static bool thread_local(const struct object_section *section)
{
	return section->flags & SHF_TLS;
}

/* Contents to compare: thread-local ones are in the image of the block. */
static size_t compare_at(struct proof *proof, uint32_t index, uint64_t base, bool commit)
{
	const struct object_section *section = &proof->object->sections[index];

	if (section->type == SHT_NOBITS)
		return 0;
	if (thread_local(section))
		base += proof->binary->tls_address;
	return proof_compare(proof, index, base, commit);
}

/*
 * The exception table of a function that the linker dropped went with it; another file of the same
 * name may have one of the same label (clang's GCC_except_table1).
 */
static bool went_with_function(const struct proof *proof, const struct object_section *section)
{
	static const char prefix[] = ".gcc_except_table.";
	const size_t length = sizeof(prefix) - 1;
	size_t count = 1;

	if (strncmp(section->name, prefix, length) == 0)
		binary_symbols(proof->binary, section->name + length, &count);
	return count == 0;
}

/* Claims a place for the section from its symbols. */
static void anchor(struct proof *proof, uint32_t index, enum names names)
{
	const struct object_section *section = &proof->object->sections[index];
	struct candidates candidates = {0};
	size_t best = 0;
	size_t fewest = SIZE_MAX;

	for (size_t i = 0; i < section->symbol_count; i++) {
		const struct object_symbol *symbol = &proof->object->symbols[section->symbols[i]];

		if (*symbol->name)
			gather(proof, symbol, names, &candidates);
	}
	if (!candidates.count || went_with_function(proof, section))
		return;
	for (size_t i = 0; i < candidates.count && (candidates.count > 1 || names == NAMES_WEAK);
	     i++) {
		size_t differences = compare_at(proof, index, candidates.base[i], false);

		if (differences < fewest ||
		    (differences == fewest && candidates.votes[i] > candidates.votes[best])) {
			fewest = differences;
			best = i;
		}
	}
	if (names == NAMES_WEAK && fewest > 0)
		return; /* another unit's */
	proof->places[index] =
		(struct place){.state = PLACE_CLAIMED, .base = candidates.base[best]};
}

/* Compares what is claimed until no comparison claims anything new. */
static void propagate(struct proof *proof)
{
	bool progress = true;

	while (progress) {
		progress = false;
		for (uint32_t i = 1; i < proof->object->section_count; i++) {
			struct place *place = &proof->places[i];

			if (place->state != PLACE_CLAIMED)
				continue;
			progress = true;
			place->state = PLACE_COMPARED;
			if (compare_at(proof, i, place->base, true))
				place->state = PLACE_DIFFERENT;
		}
	}
}

static void anchor_all(struct proof *proof, enum names names, bool code)
{
	for (uint32_t i = 1; i < proof->object->section_count; i++) {
		const struct object_section *section = &proof->object->sections[i];

		if (needs_place(section) && proof->places[i].state == PLACE_UNKNOWN &&
		    (bool)(section->flags & SHF_EXECINSTR) == code)
			anchor(proof, i, names);
		if (names != NAMES_GLOBAL)
			propagate(proof);
	}
	propagate(proof);
}

static bool is_function(const struct object *object, const struct object_symbol *symbol)
{
	return object_defines(object, symbol) && symbol->size > 0 &&
	       (symbol->type == STT_FUNC || symbol->type == STT_GNU_IFUNC);
}

static void count_functions(struct proof *proof, struct core_verified *verified,
			    struct refusal_names *different, size_t *present)
{
	const struct object *object = proof->object;

	for (size_t i = 1; i < object->symbol_count; i++) {
		const struct object_symbol *symbol = &object->symbols[i];
		bool comdat;

		if (!is_function(object, symbol))
			continue;
		comdat = object->sections[symbol->section].group != 0;
		switch ((enum function_state)proof->functions[i]) {
		case FUNCTION_ABSENT:
			verified->absent++;
			continue;
		case FUNCTION_EXACT:
			verified->exact++;
			break;
		case FUNCTION_EQUIVALENT:
			verified->equivalent++;
			break;
		case FUNCTION_DIFFERENT:
			if (comdat) { /* the linker took another unit's copy */
				proof->functions[i] = FUNCTION_ABSENT;
				verified->absent++;
				continue;
			}
			verified->different++;
			refusal_names_add(different, symbol->name);
			break;
		}
		(*present)++;
	}
}

static bool is_called_so(const struct proof *proof, const struct object_symbol *symbol)
{
	size_t count;
	const struct binary_symbol *found = binary_symbols(proof->binary, symbol->name, &count);

	for (size_t i = 0; i < count; i++) {
		const struct binary_symbol *there = &found[i];

		if (!there->defined || there->type != symbol->type)
			continue;
		if (symbol->bind != STB_LOCAL && there->bind != STB_LOCAL)
			return true;
		if (symbol->bind == STB_LOCAL && there->bind == STB_LOCAL && there->file &&
		    proof->object->file && same_base_name(there->file, proof->object->file))
			return true;
	}
	return false;
}

/*
 * Nothing is as it is in the binary: with other flags that may be so for all of a small unit, and
 * then the names tell it from a unit of another program.
 */
static size_t count_by_name(struct proof *proof, struct core_verified *verified,
			    struct refusal_names *different)
{
	const struct object *object = proof->object;
	size_t functions = 0;

	for (size_t i = 1; i < object->symbol_count; i++) {
		const struct object_symbol *symbol = &object->symbols[i];

		if (!is_function(object, symbol))
			continue;
		functions++;
		if (!is_called_so(proof, symbol))
			continue;
		verified->absent--;
		verified->different++;
		refusal_names_add(different, symbol->name);
	}
	return functions;
}

static void find_different_data(struct proof *proof, struct refusal_names *different)
{
	const struct object *object = proof->object;

	for (uint32_t i = 1; i < object->section_count; i++) {
		const struct object_section *section = &object->sections[i];
		bool named = false;

		if (proof->places[i].state != PLACE_DIFFERENT || section->group ||
		    (section->flags & SHF_EXECINSTR))
			continue;
		for (size_t k = 0; k < section->symbol_count; k++) {
			uint32_t index = section->symbols[k];

			if (proof->functions[index] != FUNCTION_DIFFERENT)
				continue;
			refusal_names_add(different, object->symbols[index].name);
			named = true;
		}
		if (!named)
			refusal_names_add(different, section->name);
	}
}

/* Did the linker lead what refers to a name to another one? */
static bool is_wrapped(struct proof *proof, const char *name)
{
	const char *wrapper = arena_format(proof->arena, "__wrap_%s", name);
	size_t count = 0;

	if (wrapper && *name)
		binary_symbols(proof->binary, wrapper, &count);
	return count > 0;
}

static void refuse(struct proof *proof, const char *source, struct refusal_names *functions,
		   struct refusal_names *data, size_t total, struct refusals *refusals)
{
	const char *why = proof->conflict ? proof->conflict : "";
	const char *next =
		is_wrapped(proof, why)
			? "link it without --wrap: where that leads calls is not understood"
			: "build from the very tree, flags and compiler that made the binary";

	refusal_names_finish(functions);
	refusal_names_finish(data);
	if (functions->count)
		refusals_add(refusals, SUTURE_E_VERIFY_MISMATCH, source, 0, next,
			     "%zu of %zu functions of %s differ from %s: %s%s%s%s",
			     functions->count, total, source, proof->binary->name, functions->text,
			     *why ? " (reference to " : "", why, *why ? ")" : "");
	if (data->count)
		refusals_add(refusals, SUTURE_E_VERIFY_MISMATCH, source, 0, next,
			     "data of %s differ from %s: %s", source, proof->binary->name,
			     data->text);
}

int verify_unit(struct arena *arena, const struct binary *binary, const struct object *v,
		const char *source, struct proof *proof, struct core_verified *verified,
		struct refusals *refusals, struct suture_error *err)
{
	struct refusal_names functions = {0};
	struct refusal_names data = {0};
	size_t present = 0;
	size_t before = verified->absent;

	*proof = (struct proof){.arena = arena, .binary = binary, .object = v};
	proof->places = arena_array(arena, v->section_count, sizeof(*proof->places));
	proof->bindings = arena_array(arena, v->symbol_count, sizeof(*proof->bindings));
	proof->functions = arena_array(arena, v->symbol_count, sizeof(*proof->functions));
	if (!proof->places || !proof->bindings || !proof->functions)
		return error_no_memory(err);
	for (enum names names = NAMES_GLOBAL; names <= NAMES_WEAK; names++) {
		anchor_all(proof, names, true); /* code before data, which it refers to */
		anchor_all(proof, names, false);
	}
	count_functions(proof, verified, &functions, &present);
	find_different_data(proof, &data);
	proof->nowhere = !present && verified->absent > before;
	if (proof->nowhere)
		present = count_by_name(proof, verified, &functions);
	proof->nowhere &= !functions.count;
	if (functions.count || data.count)
		refuse(proof, source, &functions, &data, present, refusals);
	return arena_check(arena, err);
}

int verify_object(struct arena *arena, const struct binary *binary, const char *path,
		  struct proof *proof, struct suture_error *err)
{
	struct object *object = arena_array(arena, 1, sizeof(*object));
	struct core_verified verified = {0};
	struct refusals unsaid = {0};
	int rc = object ? object_read(arena, path, object, err) : error_no_memory(err);

	*proof = (struct proof){0};
	if (!rc && !object->lto && object->machine == binary->machine)
		rc = verify_unit(arena, binary, object, path, proof, &verified, &unsaid, err);
	refusals_fini(&unsaid);
	return rc;
}

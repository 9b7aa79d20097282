/* SPDX-License-Identifier: MIT */
/* Choosing among the compilations of a source; see candidates.h. */
#include "builder/candidates.h"

#include "builder/path.h"
#include "builder/verify.h"

#include "base/error.h"
#include "base/file.h"

#include <elf.h>
#include <string.h>

/* One compilation, and what the binary says to it. */
struct candidate {
	struct compile_unit *unit;
	size_t group; /* index of the first unit with this source */
	struct object object;
	struct proof proof;
	size_t present; /* functions that are in the binary as they are in here */
	size_t different;
	size_t named; /* of the present ones, those that the binary calls so too */
	bool fits;
	bool elsewhere; /* nothing of it is here, and there are other binaries */
	bool chosen;
};

struct choice {
	struct arena arena;
	struct binary binary;
	bool one_of_several;
	struct candidate *list; /* owned */
	size_t count;
};

/* Units of sources that stand several times, or may be another binary's, when the diff may change
 * one of them. */
static int find_candidates(struct choice *choice, struct compile_unit *units, size_t count,
			   struct suture_error *err)
{
	size_t *groups = calloc(count + 1, sizeof(*groups));
	size_t *sizes = calloc(count + 1, sizeof(*sizes));
	bool *matters = calloc(count + 1, sizeof(*matters));

	choice->list = calloc(count + 1, sizeof(*choice->list));
	if (!groups || !sizes || !matters || !choice->list) {
		free(groups);
		free(sizes);
		free(matters);
		return error_no_memory(err);
	}
	for (size_t i = 0; i < count; i++) {
		size_t first = 0;

		while (strcmp(units[first].entry->file, units[i].entry->file) != 0)
			first++;
		groups[i] = first;
		sizes[first]++;
		matters[first] |= !units[i].skipped;
	}
	for (size_t i = 0; i < count; i++)
		if ((sizes[groups[i]] > 1 || choice->one_of_several) && matters[groups[i]] &&
		    !units[i].added && !units[i].removed)
			choice->list[choice->count++] =
				(struct candidate){.unit = &units[i], .group = groups[i]};
	free(groups);
	free(sizes);
	free(matters);
	return 0;
}

static bool is_present(const struct candidate *candidate, uint32_t symbol)
{
	enum function_state state = candidate->proof.functions[symbol];

	return state == FUNCTION_EXACT || state == FUNCTION_EQUIVALENT;
}

/* The same code may be compiled with other names: private ones by a macro, for tests, by prefix. */
static size_t count_named(const struct choice *choice, const struct candidate *candidate)
{
	const struct object *object = &candidate->object;
	size_t named = 0;

	for (uint32_t i = 1; i < object->symbol_count; i++) {
		const struct object_symbol *symbol = &object->symbols[i];
		uint64_t address;

		if (object_defines(object, symbol) && symbol->type == STT_FUNC &&
		    is_present(candidate, i) && proof_address(&candidate->proof, i, &address) &&
		    binary_symbol_is(&choice->binary, symbol->name, address))
			named++;
	}
	return named;
}

static int judge(struct choice *choice, struct candidate *candidate, struct suture_error *err)
{
	struct core_verified verified = {0};
	struct refusals refusals = {0};
	struct compile_unit *unit = candidate->unit;
	int rc;

	if (!unit->v_path)
		return 0;
	rc = object_read(&choice->arena, unit->v_path, &candidate->object, err);
	if (rc || candidate->object.lto || candidate->object.machine != choice->binary.machine)
		return rc;
	rc = verify_unit(&choice->arena, &choice->binary, &candidate->object, unit->name,
			 &candidate->proof, &verified, &refusals, err);
	candidate->present = verified.exact + verified.equivalent;
	candidate->different = verified.different;
	candidate->fits = !rc && !refusals.count && !candidate->proof.nowhere;
	candidate->elsewhere = choice->one_of_several && !candidate->fits && !candidate->present &&
			       !verified.different;
	if (candidate->fits)
		candidate->named = count_named(choice, candidate);
	refusals_fini(&refusals);
	return rc;
}

/* True when a function of one stands in the binary where one of the other does. */
static bool same_place(const struct candidate *left, const struct candidate *right)
{
	const struct candidate *sides[] = {left, right};
	uint64_t addresses[2];

	for (uint32_t i = 1; i < left->object.symbol_count; i++) {
		for (uint32_t k = 1; k < right->object.symbol_count; k++) {
			const uint32_t symbols[] = {i, k};
			size_t side;

			for (side = 0; side < 2; side++) {
				const struct object *object = &sides[side]->object;
				const struct object_symbol *symbol =
					&object->symbols[symbols[side]];

				/* COMDAT copies are everybody's. */
				if (!object_defines(object, symbol) || symbol->type != STT_FUNC ||
				    object->sections[symbol->section].group ||
				    !is_present(sides[side], symbols[side]) ||
				    !proof_address(&sides[side]->proof, symbols[side],
						   &addresses[side]))
					break;
			}
			if (side == 0)
				break;
			if (side == 2 && addresses[0] == addresses[1])
				return true;
		}
	}
	return false;
}

static bool is_better(const struct candidate *left, const struct candidate *right)
{
	if (left->fits != right->fits)
		return left->fits;
	if (left->present == right->present && left->fits)
		return left->named > right->named;
	if (left->fits || left->different == right->different)
		return left->present > right->present;
	/* A compilation of which nothing is there differs in nothing. */
	if (!left->present || !right->present)
		return left->present > 0;
	return left->different < right->different;
}

/* All that fit, but of those at one place the best alone; where none fits, the closest. */
static void choose(struct choice *choice, size_t group)
{
	bool any = false;

	for (;;) {
		struct candidate *best = NULL;

		for (size_t i = 0; i < choice->count; i++) {
			struct candidate *candidate = &choice->list[i];
			bool taken = candidate->chosen || candidate->elsewhere ||
				     candidate->group != group || (any && !candidate->fits);

			for (size_t k = 0; k < choice->count && !taken && any; k++)
				taken = choice->list[k].chosen && choice->list[k].group == group &&
					same_place(candidate, &choice->list[k]);
			if (!taken && (!best || is_better(candidate, best)))
				best = candidate;
		}
		if (!best)
			break;
		best->chosen = any = true;
		if (!best->fits)
			break;
	}
}

int candidates_choose(const struct compile_options *options, const char *binary,
		      bool one_of_several, struct compile_unit *units, size_t count,
		      struct suture_error *err)
{
	struct choice choice = {.one_of_several = one_of_several};
	int rc = find_candidates(&choice, units, count, err);

	if (!rc && choice.count) {
		bool *wanted = calloc(count, sizeof(*wanted));

		for (size_t i = 0; i < choice.count && wanted; i++)
			wanted[choice.list[i].unit - units] = true;
		rc = wanted ? compile_as_built(options, units, count, wanted, err)
			    : error_no_memory(err);
		free(wanted);
		if (!rc)
			rc = binary_read(&choice.arena, binary, NULL, &choice.binary, err);
	}
	for (size_t i = 0; i < choice.count && !rc; i++)
		rc = judge(&choice, &choice.list[i], err);
	for (size_t i = 0; i < choice.count && !rc; i++)
		if (choice.list[i].unit == &units[choice.list[i].group])
			choose(&choice, choice.list[i].group);
	for (size_t i = 0; i < choice.count && !rc; i++)
		if (!choice.list[i].chosen)
			choice.list[i].unit->foreign = choice.list[i].unit->skipped = true;
	arena_fini(&choice.arena);
	free(choice.list);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/* Planning every function of an object; see survey.h. */
#include "trampoline/survey.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

enum {
	REACH = 160,	/* bytes around an entry in which a hole may be of use */
	FOLLOWING = 64, /* bytes behind a function that are looked at */
	MAX_HOLES = 32,
	MAX_LABELS = 32, /* further symbols near the entry */
};

/* Where the name of a function's part begins to differ from the function's, or 0. */
static size_t owner_length(const char *name)
{
	const char *cold = strstr(name, ".cold");

	/* "f.cold" of gcc, "f.cold.1" of older ones and of clang. */
	return cold && (cold[5] == '\0' || cold[5] == '.') ? (size_t)(cold - name) : 0;
}

static int by_owner(const void *a, const void *b, void *context)
{
	const struct survey_object *object = context;

	return strcmp(object->functions[*(const size_t *)a].name,
		      object->functions[*(const size_t *)b].name);
}

size_t survey_first_function(const struct survey_object *object, uintptr_t address)
{
	size_t low = 0, high = object->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (object->functions[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int survey_init(struct survey *survey, const struct survey_object *object, struct suture_error *err)
{
	*survey = (struct survey){.object = object};
	survey->parts = calloc(object->count + 1, sizeof(*survey->parts));
	survey->ranges = calloc(object->count + 1, sizeof(*survey->ranges));
	if (!survey->parts || !survey->ranges) {
		survey_fini(survey);
		return error_no_memory(err);
	}
	for (size_t i = 0; i < object->count; i++)
		if (owner_length(object->functions[i].name))
			survey->parts[survey->part_count++] = i;
	qsort_r(survey->parts, survey->part_count, sizeof(*survey->parts), by_owner,
		(void *)object);
	return 0;
}

void survey_fini(struct survey *survey)
{
	free(survey->parts);
	free(survey->ranges);
	*survey = (struct survey){0};
}

bool survey_is_part(const struct survey *survey, size_t index)
{
	return owner_length(survey->object->functions[index].name) != 0;
}

/*
 * Parts of that name. Where several units have a function of the name, each gets the parts of all:
 * that can only find more branches.
 */
static size_t find_parts(const struct survey *survey, const char *name,
			 struct trampoline_range *parts)
{
	const struct survey_object *object = survey->object;
	size_t length = strlen(name), low = 0, high = survey->part_count, count = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strncmp(object->functions[survey->parts[middle]].name, name, length) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < survey->part_count; low++) {
		const struct survey_function *part = &object->functions[survey->parts[low]];
		size_t left;

		if (strncmp(part->name, name, length) != 0)
			break;
		if (owner_length(part->name) != length)
			continue;
		parts[count] =
			(struct trampoline_range){.address = part->address, .size = part->size};
		parts[count].code = object->bytes(object->context, part->address, &left);
		if (parts[count].code && left >= part->size)
			count++;
	}
	return count;
}

static size_t first_label(const struct survey_object *object, uintptr_t address)
{
	size_t low = 0, high = object->label_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (object->labels[middle] < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Bytes behind the function that are padding; *following is what stands there. */
static size_t padding_behind(const struct survey_object *object, size_t index,
			     const uint8_t **following, size_t *following_size)
{
	const struct survey_function *function = &object->functions[index];
	uintptr_t end = function->address + function->size;
	size_t label = first_label(object, end), left, gap;

	*following = object->bytes(object->context, end, following_size);
	if (!*following)
		*following_size = 0;
	if (*following_size > FOLLOWING)
		*following_size = FOLLOWING;
	gap = *following_size;
	if (label < object->label_count && object->labels[label] - end < gap)
		gap = object->labels[label] - end;
	if (!gap)
		return 0;
	return trampoline_padding(object->bytes(object->context, function->address, &left),
				  function->size, function->address, *following, gap);
}

/* Padding of other functions that a short jump at the entry may reach. */
static size_t find_holes(const struct survey_object *object, size_t index,
			 struct trampoline_hole *holes)
{
	uintptr_t entry = object->functions[index].address;
	size_t first = index, count = 0, unused;

	while (first > 0 &&
	       object->functions[first - 1].address + object->functions[first - 1].size + REACH >
		       entry)
		first--;
	for (size_t i = first; i < object->count && count < MAX_HOLES; i++) {
		const struct survey_function *other = &object->functions[i];
		struct trampoline_hole *hole = &holes[count];

		if (other->address + other->size > entry + REACH)
			break;
		if (i == index)
			continue; /* its own padding is known as such */
		hole->address = other->address + other->size;
		hole->size = padding_behind(object, i, &hole->code, &unused);
		count += hole->size > 0;
	}
	return count;
}

int survey_plan(const struct survey *survey, size_t index, struct trampoline *out,
		struct suture_error *err)
{
	const struct survey_object *object = survey->object;
	const struct survey_function *function = &object->functions[index];
	struct trampoline_hole holes[MAX_HOLES];
	size_t left = 0, label = first_label(object, function->address + 1);
	struct trampoline_target target = {
		.name = function->name,
		.entry = function->address,
		.size = function->size,
		.code = object->bytes(object->context, function->address, &left),
		.cold = survey->ranges,
		.holes = holes,
		.entries = object->labels + label,
		.read = object->read,
		.read_context = object->context,
	};
	int rc;

	if (!target.code || left < function->size)
		return error_set(err, SUTURE_E_UNPATCHABLE_ENTRY, "%s: not in the file",
				 function->name);
	while (label < object->label_count && target.entry_count < MAX_LABELS &&
	       object->labels[label++] < function->address + function->size)
		target.entry_count++;
	target.cold_count = find_parts(survey, function->name, survey->ranges);
	target.padding_after =
		padding_behind(object, index, &target.following, &target.following_size);
	/* Looking for holes is worth the time only where an entry is difficult. */
	rc = trampoline_plan(&target, function->address, NULL, out, err);
	if (!rc && out->tier != TRAMPOLINE_PUN)
		return 0;
	target.hole_count = find_holes(object, index, holes);
	return target.hole_count ? trampoline_plan(&target, function->address, NULL, out, err) : rc;
}

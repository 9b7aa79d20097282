/* SPDX-License-Identifier: MIT */
/* Looking through all functions; see crossings.h. */
#include "cli/crossings.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

struct crossings {
	struct codefile *file;
	uintptr_t *list; /* in the arena */
	size_t count;
	size_t capacity;
};

static bool is_branch(const struct arch_insn *insn)
{
	return insn->has_target &&
	       (insn->kind == ARCH_INSN_JUMP || insn->kind == ARCH_INSN_COND_JUMP ||
		insn->kind == ARCH_INSN_CALL);
}

static bool is_inside(const struct survey_object *object, uintptr_t address)
{
	size_t next = survey_first_function(object, address);
	const struct survey_function *below = next ? &object->functions[next - 1] : NULL;

	return below && address < below->address + below->size &&
	       (next == object->count || object->functions[next].address != address);
}

static int look_through(struct crossings *crossings, const struct survey_function *function,
			struct suture_error *err)
{
	const struct survey_object *object = &crossings->file->object;
	uintptr_t end = function->address + function->size;
	size_t left;
	const uint8_t *code = object->bytes(object->context, function->address, &left);
	struct arch_insn insn;

	if (!code || left < function->size)
		return 0;
	for (size_t at = 0; at < function->size; at += insn.size) {
		if (arch_native()->decode(code + at, function->size - at, function->address + at,
					  &insn) != ARCH_OK)
			break;
		if (!is_branch(&insn) || (insn.target >= function->address && insn.target < end) ||
		    !is_inside(object, insn.target))
			continue;
		crossings->list =
			arena_grow(&crossings->file->arena, crossings->list, crossings->count,
				   &crossings->capacity, sizeof(*crossings->list));
		if (!crossings->list)
			return error_no_memory(err);
		crossings->list[crossings->count++] = insn.target;
	}
	return 0;
}

static int by_value(const void *a, const void *b)
{
	uintptr_t left = *(const uintptr_t *)a, right = *(const uintptr_t *)b;

	return left < right ? -1 : left > right;
}

static int join(const struct crossings *crossings, struct suture_error *err)
{
	struct survey_object *object = &crossings->file->object;
	size_t count = object->label_count + crossings->count, kept = 0;
	uintptr_t *labels = arena_array(&crossings->file->arena, count, sizeof(*labels));

	if (!labels)
		return error_no_memory(err);
	memcpy(labels, object->labels, object->label_count * sizeof(*labels));
	memcpy(labels + object->label_count, crossings->list, crossings->count * sizeof(*labels));
	qsort(labels, count, sizeof(*labels), by_value);
	for (size_t i = 0; i < count; i++)
		if (!kept || labels[kept - 1] != labels[i])
			labels[kept++] = labels[i];
	object->labels = labels;
	object->label_count = kept;
	return 0;
}

int crossings_add(struct codefile *file, struct suture_error *err)
{
	struct crossings crossings = {.file = file};
	int rc = 0;

	for (size_t i = 0; !rc && i < file->object.count; i++)
		rc = look_through(&crossings, &file->object.functions[i], err);
	return !rc && crossings.count ? join(&crossings, err) : rc;
}

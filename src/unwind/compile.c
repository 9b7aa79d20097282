/* SPDX-License-Identifier: MIT */
/*
 * Compiles an object's CFI into sorted rows. Functions have few distinct rule sets, so that equal
 * ones are stored once and a row takes eight bytes. Plan only: allocates.
 */
#include "unwind/rows.h"

#include "base/error.h"
#include "unwind/state.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SET = ARCH_MAX_REGISTERS + 1, MAX_EXPRESSION = 1024, EXPRESSION_SEARCH = 4096 };

struct compiler {
	struct cfi_sink sink; /* first: callbacks get it back */
	struct unwind_rows *out;
	size_t row_capacity;
	size_t rule_capacity;
	size_t expressions_capacity;
	bool signal_frame;
	uint32_t *sets; /* hash table of head indices + 1; 0: free */
	size_t set_slots;
	size_t set_count;
};

static bool grow(void *array, size_t *capacity, size_t needed, size_t size)
{
	size_t wanted = *capacity ? *capacity : 64;
	void *grown;

	if (needed <= *capacity)
		return true;
	while (wanted < needed)
		wanted *= 2;
	grown = realloc(*(void **)array, wanted * size);
	if (!grown)
		return false;
	*(void **)array = grown;
	*capacity = wanted;
	return true;
}

/* ---- rule sets ------------------------------------------------------------------------------ */

static uint64_t hash_set(const struct unwind_rule *set, size_t count)
{
	uint64_t hash = count;

	for (size_t i = 0; i < count; i++) {
		uint64_t word;

		memcpy(&word, &set[i], sizeof(word));
		hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash ^= hash >> 29;
	}
	return hash;
}

static bool grow_sets(struct compiler *compiler)
{
	size_t slots = compiler->set_slots ? compiler->set_slots * 2 : 256;
	uint32_t *sets = calloc(slots, sizeof(*sets));

	if (!sets)
		return false;
	for (size_t i = 0; i < compiler->set_slots; i++) {
		const struct unwind_rule *head;
		size_t at;

		if (!compiler->sets[i])
			continue;
		head = &compiler->out->rules[compiler->sets[i] - 1];
		at = hash_set(head, (size_t)head->target + 1) & (slots - 1);
		while (sets[at])
			at = (at + 1) & (slots - 1);
		sets[at] = compiler->sets[i];
	}
	free(compiler->sets);
	compiler->sets = sets;
	compiler->set_slots = slots;
	return true;
}

static bool intern(struct compiler *compiler, const struct unwind_rule *set, size_t count,
		   uint32_t *index)
{
	struct unwind_rows *out = compiler->out;
	size_t at;

	if (compiler->set_count * 2 >= compiler->set_slots && !grow_sets(compiler))
		return false;
	at = hash_set(set, count) & (compiler->set_slots - 1);
	while (compiler->sets[at]) {
		const struct unwind_rule *head = &out->rules[compiler->sets[at] - 1];

		if ((size_t)head->target + 1 == count && !memcmp(head, set, count * sizeof(*set))) {
			*index = compiler->sets[at] - 1;
			return true;
		}
		at = (at + 1) & (compiler->set_slots - 1);
	}
	if (!grow(&out->rules, &compiler->rule_capacity, out->rule_count + count, sizeof(*set)))
		return false;
	memcpy(&out->rules[out->rule_count], set, count * sizeof(*set));
	*index = (uint32_t)out->rule_count;
	out->rule_count += count;
	compiler->sets[at] = *index + 1;
	compiler->set_count++;
	return true;
}

/* ---- rows ----------------------------------------------------------------------------------- */

static bool add_row(struct compiler *compiler, uintptr_t from, uint32_t rules)
{
	struct unwind_rows *out = compiler->out;
	uint32_t offset = (uint32_t)(from - out->start);

	if (out->row_count && out->rows[out->row_count - 1].offset == offset)
		out->row_count--;
	if (out->row_count && out->rows[out->row_count - 1].rules == rules)
		return true;
	if (!grow(&out->rows, &compiler->row_capacity, out->row_count + 1, sizeof(*out->rows)))
		return false;
	out->rows[out->row_count++] = (struct unwind_row){offset, rules};
	return true;
}

static bool sink_row(struct cfi_sink *sink, uintptr_t from, const struct cfi_state *state)
{
	struct compiler *compiler = (struct compiler *)sink;
	struct unwind_rule set[MAX_SET];
	size_t count = 1;
	uint32_t index = ROWS_UNKNOWN;

	if (state->cfa.kind != RULE_INVALID) {
		for (size_t reg = 0; reg < ARCH_MAX_REGISTERS; reg++) {
			if (state->regs[reg].kind == RULE_SAME)
				continue;
			set[count] = state->regs[reg];
			set[count].flags = 0;
			set[count++].target = (uint8_t)reg;
		}
		set[0] = state->cfa;
		set[0].target = (uint8_t)(count - 1);
		set[0].flags = compiler->signal_frame ? RULES_SIGNAL_FRAME : 0;
		if (!intern(compiler, set, count, &index))
			goto no_memory;
	}
	if (add_row(compiler, from, index))
		return true;
no_memory:
	sink->no_memory = true;
	return false;
}

/* Stored as a 16-bit size and the bytes; a PLT or a signal frame repeats the same few. */
static int32_t sink_expression(struct cfi_sink *sink, const uint8_t *bytes, size_t size)
{
	struct compiler *compiler = (struct compiler *)sink;
	struct unwind_rows *out = compiler->out;
	uint16_t stored = (uint16_t)size;
	size_t at = 0;

	if (size > MAX_EXPRESSION || out->expressions_size > INT32_MAX / 2)
		return -1;
	while (at < out->expressions_size && at < EXPRESSION_SEARCH) {
		uint16_t other;

		memcpy(&other, out->expressions + at, sizeof(other));
		if (other == size && !memcmp(out->expressions + at + sizeof(other), bytes, size))
			return (int32_t)at;
		at += sizeof(other) + other;
	}
	at = out->expressions_size;
	if (!grow(&out->expressions, &compiler->expressions_capacity, at + sizeof(stored) + size,
		  1)) {
		sink->no_memory = true;
		return -1;
	}
	memcpy(out->expressions + at, &stored, sizeof(stored));
	memcpy(out->expressions + at + sizeof(stored), bytes, size);
	out->expressions_size = at + sizeof(stored) + size;
	return (int32_t)at;
}

/* The CIE's own program must not advance: it has no location. */
static bool refuse_row(struct cfi_sink *sink, uintptr_t from, const struct cfi_state *state)
{
	(void)sink;
	(void)from;
	(void)state;
	return false;
}

/* ---- functions ------------------------------------------------------------------------------ */

struct initial {
	size_t cie; /* position of the CIE that state belongs to */
	bool valid;
	bool understood;
	struct cfi_state state;
};

static void run_initial(struct compiler *compiler, const struct frame_data *data,
			const struct frame_cie *cie, struct initial *initial)
{
	uintptr_t nowhere = 0;

	if (initial->valid && initial->cie == cie->position)
		return;
	*initial = (struct initial){.cie = cie->position, .valid = true};
	initial->state.cfa.kind = RULE_INVALID;
	compiler->sink.row = refuse_row;
	initial->understood = cie->return_column == arch_native()->dwarf_return &&
			      cfi_run(data, cie, cie->program, cie->end, 0, NULL, &compiler->sink,
				      &initial->state, &nowhere);
	compiler->sink.row = sink_row;
}

/* False: no memory. A function that isn't understood becomes an unknown row. */
static bool compile_function(struct compiler *compiler, const struct frame_data *data,
			     const struct frame_cie *cie, const struct frame_fde *fde,
			     struct initial *initial)
{
	size_t rows_before = compiler->out->row_count;
	struct unwind_row last =
		rows_before ? compiler->out->rows[rows_before - 1] : (struct unwind_row){0};
	uintptr_t location = fde->start;
	struct cfi_state state;

	run_initial(compiler, data, cie, initial);
	state = initial->state;
	compiler->signal_frame = cie->signal_frame;
	if (!compiler->sink.no_memory && initial->understood &&
	    cfi_run(data, cie, fde->program, fde->program_end, fde->end, &initial->state,
		    &compiler->sink, &state, &location)) {
		if (location < fde->end && !sink_row(&compiler->sink, location, &state))
			return false;
		return add_row(compiler, fde->end, ROWS_UNKNOWN);
	}
	if (compiler->sink.no_memory)
		return false;
	/* Take back what was written of it; its first row may have replaced the one before. */
	compiler->out->row_count = rows_before;
	if (rows_before)
		compiler->out->rows[rows_before - 1] = last;
	compiler->out->unknown++;
	return add_row(compiler, fde->start, ROWS_UNKNOWN);
}

/* Two functions claim the same address: neither is believed, up to the farther end. */
static bool compile_conflict(struct compiler *compiler, uintptr_t from)
{
	uint32_t offset = (uint32_t)(from - compiler->out->start);

	while (compiler->out->row_count &&
	       compiler->out->rows[compiler->out->row_count - 1].offset > offset)
		compiler->out->row_count--;
	compiler->out->unknown++;
	return add_row(compiler, from, ROWS_UNKNOWN);
}

static bool compile_all(struct compiler *compiler, const struct frame_data *data,
			const struct frame_list *list)
{
	struct unwind_rows *out = compiler->out;
	struct frame_cie cie = {0};
	struct initial initial = {0};
	uintptr_t covered = out->start, last_start = 0, last_end = 0;

	for (size_t i = 0; i < list->count; i++) {
		struct frame_fde fde;

		if (!frame_read_fde(data, list->entries[i].position, &cie, &fde)) {
			/* Unknown until the next one that can be read begins. */
			uintptr_t start = list->entries[i].start;

			cie = (struct frame_cie){0};
			out->unknown++;
			if (start >= covered && start < out->end &&
			    !add_row(compiler, start, ROWS_UNKNOWN))
				return false;
			continue;
		}
		if (fde.start < out->start || fde.end > out->end || fde.start == fde.end ||
		    fde.start != list->entries[i].start)
			continue;
		if (fde.start == last_start && fde.end == last_end)
			continue; /* the same function described twice */
		if (fde.start < covered) {
			if (!compile_conflict(compiler, fde.start))
				return false;
		} else if (!compile_function(compiler, data, &cie, &fde, &initial)) {
			return false;
		}
		last_start = fde.start;
		last_end = fde.end;
		if (fde.end > covered)
			covered = fde.end;
	}
	return true;
}

int unwind_compile(const struct unwind_object *object, struct unwind_rows **result,
		   struct suture_error *err)
{
	struct compiler compiler = {.sink = {.row = sink_row, .expression = sink_expression}};
	struct frame_data data = {.base = object->data_start};
	struct frame_list list = {0};
	int rc;

	compiler.out = calloc(1, sizeof(*compiler.out));
	if (!compiler.out)
		return error_no_memory(err);
	compiler.out->start = object->start;
	compiler.out->end = object->end;
	compiler.out->eh_frame_hdr = object->eh_frame_hdr;
	compiler.out->eh_frame = object->eh_frame;
	reader_init(&data.reader, object->copy ? object->copy : (const void *)object->data_start,
		    object->data_end - object->data_start, object->name);
	rc = frame_list(object, &data, &list, err);
	if (!rc && !compile_all(&compiler, &data, &list))
		rc = error_no_memory(err);
	frame_list_fini(&list);
	free(compiler.sets);
	if (rc) {
		unwind_rows_destroy(compiler.out);
		return rc;
	}
	*result = compiler.out;
	return 0;
}

void unwind_rows_destroy(struct unwind_rows *rows)
{
	if (!rows)
		return;
	free(rows->rows);
	free(rows->rules);
	free(rows->expressions);
	free(rows);
}

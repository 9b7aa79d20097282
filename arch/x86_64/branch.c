/* SPDX-License-Identifier: MIT */
/*
 * Does anything in a piece of code lead into the bytes of a jump that is to be written? Linear
 * decoding sees every direct branch and every address that is taken. Indirect jumps are not traced
 * back to their table by pattern: each address in the code that leads out of the function is read
 * as if it were a table's base, in each form that compilers write, which needs no guess about where
 * the base was loaded. Reading too much as a table is harmless: it would have to name four bytes
 * out of all addresses by chance. Any thread, plan phase.
 */
#include "arch/x86_64/branch.h"

#include "arch/x86_64/insn.h"

#include <string.h>

enum {
	TABLE_LEAD = 16, /* entries before the first one in the function (folded index offset) */
	TABLE_MAX = 1 << 16, /* entries */
	TABLE_CHUNK = 128,   /* bytes read at once */
	LOWEST_ADDRESS = 0x1000,
	MAX_ADDRESSES = 32,
};

struct address_set {
	uint64_t items[MAX_ADDRESSES];
	size_t count;
	bool overflowed;
};

struct scan_state {
	const struct arch_scan *scan;
	struct x86_decoder *decoder;
	/* Addresses of the function's own code that it takes: bases of tables of label differences.
	 */
	struct address_set labels;
	struct address_set tables; /* what is read as a table, and leads into the function */
	bool takes_entry;	   /* its first byte's address, which is the function's */
	size_t jumps;		   /* indirect ones of this part */
};

static void address_set_add(struct address_set *set, uint64_t address)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i] == address)
			return;
	if (set->count == MAX_ADDRESSES)
		set->overflowed = true;
	else
		set->items[set->count++] = address;
}

static bool in_window_interior(const struct arch_scan *scan, uint64_t address)
{
	return address > scan->window && address < scan->window + scan->window_size;
}

static bool in_function(const struct arch_scan *scan, uint64_t address)
{
	if (scan->part_count == 0)
		return address - scan->address < scan->size;
	for (size_t i = 0; i < scan->part_count; i++)
		if (address >= scan->parts[i].start && address < scan->parts[i].end)
			return true;
	return false;
}

static uint64_t entry_of(const struct arch_scan *scan)
{
	return scan->part_count ? scan->parts[0].start : scan->address;
}

/* A run of equally sized entries, read in chunks. */
struct table {
	uint64_t address;
	size_t entry_size;
	uint8_t chunk[TABLE_CHUNK];
	size_t chunk_at; /* offset in the table */
	size_t chunk_size;
};

static const uint8_t *table_entry(const struct arch_scan *scan, struct table *table, size_t index)
{
	size_t at = index * table->entry_size;

	if (at >= table->chunk_at && at < table->chunk_at + table->chunk_size)
		return table->chunk + (at - table->chunk_at);
	table->chunk_at = at;
	table->chunk_size = TABLE_CHUNK;
	/* The table may end just before memory that can't be read. */
	while (!scan->read(scan->context, table->address + at, table->chunk, table->chunk_size)) {
		table->chunk_size /= 2;
		if (table->chunk_size < table->entry_size) {
			table->chunk_size = 0;
			return NULL;
		}
	}
	return table->chunk;
}

/* Entries of 4 bytes are distances from base, entries of 8 bytes are addresses. */
static enum arch_reason walk_table(struct scan_state *state, uint64_t address, size_t entry_size,
				   uint64_t base)
{
	const struct arch_scan *scan = state->scan;
	struct table table = {.address = address, .entry_size = entry_size};
	bool inside = false;

	for (size_t i = 0; i < TABLE_MAX; i++) {
		const uint8_t *entry = table_entry(scan, &table, i);
		uint64_t target;

		if (!entry)
			return i ? ARCH_OK : ARCH_INDIRECT_BRANCH;
		if (entry_size == 4)
			target = base + (uint64_t)x86_read_s32(entry);
		else
			memcpy(&target, entry, sizeof(target));
		if (!in_function(scan, target)) {
			if (inside || i >= TABLE_LEAD)
				break;
			continue;
		}
		inside = true;
		if (in_window_interior(scan, target))
			return ARCH_BRANCH_INTO_WINDOW;
		/*
		 * Only what is a table beyond doubt: numbers lead from labels into the function by
		 * chance, a pointer to the function itself is no table, and what leads into it only
		 * further on may be another table behind this one.
		 */
		if (i == 0 && (entry_size == 8 || base == address) && target != entry_of(scan))
			address_set_add(&state->tables, address);
	}
	return ARCH_OK;
}

static enum arch_reason walk_tables(struct scan_state *state, uint64_t address)
{
	const struct address_set *labels = &state->labels;
	enum arch_reason reason;

	if (!state->scan->read || labels->overflowed)
		return ARCH_INDIRECT_BRANCH;
	reason = walk_table(state, address, 4, address);
	if (reason == ARCH_OK)
		reason = walk_table(state, address, 8, 0);
	for (size_t i = 0; i < labels->count && reason == ARCH_OK; i++)
		reason = walk_table(state, address, 4, labels->items[i]);
	return reason;
}

/* Instructions that the jump overwrites never run where they are. */
static bool is_overwritten(const struct arch_scan *scan, const struct x86_decoded *insn)
{
	return insn->base.address - scan->window < scan->window_size;
}

/* First pass: direct branches and addresses taken; finds out whether there are indirect jumps. */
static enum arch_reason scan_direct(struct scan_state *state)
{
	const struct arch_scan *scan = state->scan;
	struct x86_decoded insn;

	for (size_t at = 0; at < scan->size; at += insn.base.size) {
		if (!x86_decode(state->decoder, scan->code + at, scan->size - at,
				scan->address + at, &insn))
			return ARCH_UNDECODABLE;
		/* jmp *slot(%rip) leaves through one known slot: a call of another function. */
		if (insn.base.kind == ARCH_INSN_INDIRECT_JUMP && !insn.pc_relative)
			state->jumps++;
		if (insn.pc_relative && insn.base.target == entry_of(scan))
			state->takes_entry = true;
		else if (insn.pc_relative && in_function(scan, insn.base.target))
			address_set_add(&state->labels, insn.base.target);
		if (is_overwritten(scan, &insn))
			continue;
		if (insn.base.has_target && in_window_interior(scan, insn.base.target))
			return ARCH_BRANCH_INTO_WINDOW;
		if (insn.has_absolute && in_window_interior(scan, insn.absolute))
			return ARCH_BRANCH_INTO_WINDOW;
	}
	return ARCH_OK;
}

/* Second pass: everything that may be a table's base. */
static enum arch_reason scan_addresses(struct scan_state *state)
{
	const struct arch_scan *scan = state->scan;
	enum arch_reason reason = ARCH_OK;
	struct x86_decoded insn;

	for (size_t at = 0; at < scan->size && reason == ARCH_OK; at += insn.base.size) {
		if (!x86_decode(state->decoder, scan->code + at, scan->size - at,
				scan->address + at, &insn))
			return ARCH_UNDECODABLE;
		if (insn.pc_relative && !in_function(scan, insn.base.target))
			reason = walk_tables(state, insn.base.target);
		if (reason != ARCH_OK || !insn.has_absolute || insn.absolute < LOWEST_ADDRESS ||
		    in_function(scan, insn.absolute))
			continue;
		/* A number that is no address can't be read, and is then no table either. */
		if (scan->read || insn.base.kind == ARCH_INSN_INDIRECT_JUMP)
			reason = walk_tables(state, insn.absolute);
		if (reason == ARCH_INDIRECT_BRANCH && insn.base.kind != ARCH_INSN_INDIRECT_JUMP)
			reason = ARCH_OK;
	}
	return reason;
}

/*
 * Most functions that take their own address hand it to somebody (a timer, an event, themselves
 * again): it then is no label, and any number from 1 to 4 in any data would be a way into the
 * window. But a first label without a prologue before it has the same address, and gcc does that.
 * So it counts as a base where the other tables do not account for all the jumps.
 */
static enum arch_reason scan_tables(struct scan_state *state, size_t jumps)
{
	enum arch_reason reason = scan_addresses(state);

	if (reason != ARCH_OK || !state->takes_entry || state->tables.count >= jumps)
		return reason;
	address_set_add(&state->labels, entry_of(state->scan));
	return scan_addresses(state);
}

enum arch_reason x86_scan_branches(const struct arch_scan *scan)
{
	struct scan_state state = {.scan = scan, .decoder = x86_decoder_get()};
	enum arch_reason reason;
	size_t jumps;

	if (!state.decoder)
		return ARCH_UNDECODABLE;
	reason = scan_direct(&state);
	jumps = scan->jumps > state.jumps ? scan->jumps : state.jumps;
	if (reason == ARCH_OK && jumps)
		reason = scan_tables(&state, jumps);
	x86_decoder_put(state.decoder);
	if (scan->own_jumps)
		*scan->own_jumps = state.jumps;
	return reason;
}

/* jmp rel8, jcc rel8; loop, loope, loopne, jrcxz. */
static bool is_short_branch(uint8_t opcode)
{
	return opcode == 0xeb || (opcode & 0xf0) == 0x70 || (opcode & 0xfc) == 0xe0;
}

void x86_find_distances(const uint8_t *code, size_t size, uint64_t address, uint64_t low,
			uint64_t high,
			void (*found)(void *context, uint64_t place, uint64_t target),
			void *context)
{
	for (size_t at = 0; at < size; at++) {
		uint64_t place = address + at, target;

		if (at + 2 <= size && is_short_branch(code[at])) {
			target = place + 2 + (uint64_t)(int8_t)code[at + 1];
			if (target - low < high - low)
				found(context, place, target);
		}
		if (at + 4 <= size) {
			target = place + 4 + (uint64_t)x86_read_s32(code + at);
			if (target - low < high - low)
				found(context, place, target);
		}
	}
}

/* SPDX-License-Identifier: MIT */
/*
 * What the agent must know about the bytes around the entries that it will overwrite, and only the
 * whole binary can tell: second symbols there, branches from other code to there (compilers make
 * none, hand-written assembly does), and functions nearby whose padding can hold a jump that has
 * no room at the entry.
 */
#include "emit.h"

#include "base/error.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* A hole must be within a short jump of the entry: 127 bytes, and the jump that it holds. */
enum { NEIGHBOUR_REACH = 160 };

/* The bytes at one entry that may be overwritten. */
struct window {
	uint64_t entry;
	uint64_t end;
	uint64_t function_end;
};

struct windows {
	struct emit *emit;
	struct window *list; /* by entry */
	size_t count;
};

static void add(struct emit *emit, enum format_surrounding_kind kind, uint64_t target,
		uint64_t size, uint64_t padding)
{
	struct format_surrounding record = {
		.target = target, .size = size, .padding = padding, .kind = kind};

	tables_add(&emit->tables, TABLES_surroundings, &record, sizeof(record), NULL, 0);
}

static bool read_binary(void *context, uint64_t address, void *out, size_t size)
{
	const uint8_t *bytes = binary_bytes(context, address, size);

	if (bytes)
		memcpy(out, bytes, size);
	return bytes != NULL;
}

static bool is_code(const struct binary *binary, const struct binary_symbol *symbol)
{
	const struct binary_section *section = binary_section_at(binary, symbol->address, 1);

	return symbol->type != STT_OBJECT && section && (section->flags & SHF_EXECINSTR);
}

/* ---- labels -------------------------------------------------------------------------------- */

static void add_symbols(struct windows *windows, const struct window *window)
{
	const struct binary *binary = &windows->emit->session->binary;
	uint64_t last = 0;

	for (size_t i = binary_first_symbol(binary, window->entry + 1);
	     i < binary->by_address_count && binary->by_address[i]->address < window->end; i++) {
		const struct binary_symbol *symbol = binary->by_address[i];

		if (symbol->address != last && is_code(binary, symbol))
			add(windows->emit, FORMAT_SURROUNDING_LABEL, symbol->address, 0, 0);
		last = symbol->address;
	}
}

/* Of a gap as a whole: the long nops that others fill it with end in zeros too. */
static bool all_zero(const uint8_t *bytes, uint64_t size)
{
	for (uint64_t i = 0; i < size; i++)
		if (bytes[i])
			return false;
	return true;
}

/* Does the code around `at`, decoded from its symbol on, really lead to target? */
static bool leads_to(struct binary *binary, uint64_t at, uint64_t target)
{
	size_t next = binary_first_symbol(binary, at + 1);
	const struct binary_section *section = binary_section_at(binary, at, 1);
	uint64_t start = section->address, end = section->address + section->size, sized = end;
	struct arch_scan scan = {
		.window = target - 1, .window_size = 2, .read = read_binary, .context = binary};
	enum arch_reason reason;

	if (next < binary->by_address_count && binary->by_address[next]->address < end)
		end = binary->by_address[next]->address;
	if (next > 0 && binary->by_address[next - 1]->address > start) {
		start = binary->by_address[next - 1]->address;
		if (binary->by_address[next - 1]->size)
			sized = start + binary->by_address[next - 1]->size;
	}
	scan.code = binary_bytes(binary, start, end - start);
	/* What mold fills gaps with is no code, and may be cut off inside an `add %al, (%rax)`. */
	if (scan.code && end > sized && all_zero(scan.code + (sized - start), end - sized))
		end = sized;
	scan.size = end - start;
	scan.address = start;
	if (!scan.code)
		return true;
	/* An indirect jump of another function that can't be followed leads to its own code. */
	reason = binary->arch->scan_branches(&scan);
	return reason == ARCH_BRANCH_INTO_WINDOW || reason == ARCH_UNDECODABLE;
}

static int by_end(const void *key, const void *element)
{
	const uint64_t *address = key;
	const struct window *window = element;

	if (*address < window->entry)
		return -1;
	return *address >= window->end;
}

/* A place in the binary whose bytes, read as a distance, lead to target. */
static void on_candidate(void *context, uint64_t at, uint64_t target)
{
	struct windows *windows = context;
	const struct window *window =
		bsearch(&target, windows->list, windows->count, sizeof(*windows->list), by_end);

	/* The agent looks through the function itself and its other parts. */
	if (!window || target == window->entry ||
	    (at >= window->entry && at < window->function_end))
		return;
	if (leads_to(&windows->emit->session->binary, at, target))
		add(windows->emit, FORMAT_SURROUNDING_LABEL, target, 0, 0);
}

static void add_branches(struct windows *windows)
{
	const struct binary *binary = &windows->emit->session->binary;
	const struct window *last = &windows->list[windows->count - 1];

	for (size_t i = 0; i < binary->section_count; i++) {
		const struct binary_section *section = &binary->sections[i];

		if ((section->flags & SHF_EXECINSTR) && section->data)
			binary->arch->find_distances(section->data, section->size, section->address,
						     windows->list[0].entry, last->end,
						     on_candidate, windows);
	}
}

/* ---- neighbours ---------------------------------------------------------------------------- */

/* Will a jump at the entry do? If not, or if in doubt, the agent is given somewhere else. */
static bool jump_fits(struct binary *binary, const struct window *window)
{
	uint64_t size = window->function_end - window->entry;
	struct arch_scan scan = {.code = binary_bytes(binary, window->entry, size),
				 .size = size,
				 .address = window->entry,
				 .window_size = binary->arch->near_jump_size,
				 .read = read_binary,
				 .context = binary};

	scan.window = window->end - scan.window_size;
	return window->end <= window->function_end && scan.code &&
	       binary->arch->scan_branches(&scan) == ARCH_OK;
}

static void add_neighbours(struct windows *windows, const struct window *window)
{
	const struct binary *binary = &windows->emit->session->binary;
	uint64_t low = window->entry < FORMAT_NEIGHBOUR_LIMIT + NEIGHBOUR_REACH
			       ? 0
			       : window->entry - FORMAT_NEIGHBOUR_LIMIT - NEIGHBOUR_REACH;
	uint64_t last = 0;

	for (size_t i = binary_first_symbol(binary, low);
	     i < binary->by_address_count &&
	     binary->by_address[i]->address < window->entry + NEIGHBOUR_REACH;
	     i++) {
		const struct binary_symbol *symbol = binary->by_address[i];
		uint64_t end = symbol->address + symbol->size, gap;

		if (symbol->size == 0 || symbol->size > FORMAT_NEIGHBOUR_LIMIT ||
		    symbol->address == last || symbol->address == window->entry ||
		    end + NEIGHBOUR_REACH < window->entry || !is_code(binary, symbol))
			continue;
		last = symbol->address;
		gap = binary_gap(binary, end);
		if (gap >= binary->arch->near_jump_size)
			add(windows->emit, FORMAT_SURROUNDING_NEIGHBOUR, symbol->address,
			    symbol->size, gap);
	}
}

/* ---- all of a unit ------------------------------------------------------------------------- */

static int by_entry(const void *a, const void *b)
{
	const struct window *left = a, *right = b;

	return left->entry < right->entry ? -1 : left->entry > right->entry;
}

static void add_window(struct windows *windows, const struct part *old)
{
	const struct binary *binary = &windows->emit->session->binary;
	struct window *window = &windows->list[windows->count++];
	const uint8_t *code = binary_bytes(binary, old->target, old->target_size);

	window->entry = old->target;
	window->function_end = old->target + old->target_size;
	window->end = old->target + binary->arch->near_jump_size +
		      (code ? binary->arch->entry_mark_size(code, old->target_size) : 0);
}

int emit_surroundings(struct emit *emit)
{
	const struct part_set *patched = &emit->unit->patched;
	struct windows windows = {.emit = emit};

	windows.list = arena_array(&emit->session->arena, patched->count, sizeof(*windows.list));
	if (!windows.list)
		return error_no_memory(emit->session->err);
	for (size_t i = 0; i < patched->count; i++)
		if (patched->list[i]->replaced)
			add_window(&windows, patched->list[i]->twin);
	if (!windows.count)
		return 0;
	qsort(windows.list, windows.count, sizeof(*windows.list), by_entry);
	for (size_t i = 0; i < windows.count; i++) {
		add_symbols(&windows, &windows.list[i]);
		if (!jump_fits(&emit->session->binary, &windows.list[i]))
			add_neighbours(&windows, &windows.list[i]);
	}
	add_branches(&windows);
	return 0;
}

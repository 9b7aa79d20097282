/* SPDX-License-Identifier: MIT */
/* Planning the way of an entry's bytes: see path.h. Agent's thread, plan phase. */
#include "trampoline/path.h"

#include "arch/arch.h"
#include "trampoline/waiting.h"

#include <stdlib.h>
#include <string.h>

enum {
	JUMP = 5, /* opcode and displacement; other processors have no such way */
	DETOUR = 0x80,
	ASIDE = 0x20, /* to another region, for the last byte */
	TURNS = 16,
};

struct path {
	struct near_memory *near;
	uintptr_t address;
	uint8_t now[JUMP]; /* the bytes after the steps so far */
	struct code_edit_step steps[CODE_EDIT_MAX_STEPS];
	uint8_t count;
};

static void put(struct path *path, uint8_t offset, uint8_t to)
{
	path->steps[path->count++] =
		(struct code_edit_step){.offset = offset, .from = path->now[offset], .to = to};
	path->now[offset] = to;
}

/* A step after which threads wait; nothing where the byte is so already. */
static bool wait_at(struct path *path, uint8_t offset, uint8_t to)
{
	uint64_t place, end;

	if (path->now[offset] == to)
		return true;
	put(path, offset, to);
	return arch_native()->pun_range(path->address, path->now + 1, 1, &place, &end) &&
	       waiting_obtain(path->near, path->address, place);
}

/*
 * Bytes 1 to 3 from old to new, in a region far from both ends, which the last byte says. Two
 * islands that only differ in byte 1, and by less than their size, would overlap.
 */
static bool change_low(struct path *path, uint8_t by, const uint8_t *to)
{
	int distance = path->now[1] - to[1];

	if (by == path->now[JUMP - 1] || by == to[JUMP - 1] || !wait_at(path, JUMP - 1, by))
		return false;
	if (distance && abs(distance) < JUMP) {
		if (!wait_at(path, 1, path->now[1] ^ DETOUR))
			return false;
		/* The first of the two is there already, and nothing else tells them apart. */
		if (memcmp(path->now + 2, to + 2, JUMP - 3) == 0 &&
		    !wait_at(path, JUMP - 1, by ^ ASIDE))
			return false;
	}
	for (uint8_t i = JUMP - 2; i > 0; i--)
		if (!wait_at(path, i, to[i]))
			return false;
	return true;
}

static bool find(struct path *path, uint8_t by, uint8_t jump, const uint8_t *to)
{
	/* An entry mark's other bytes stay: nothing but the last one differs. */
	bool low = memcmp(path->now + 1, to + 1, JUMP - 2) != 0;

	if (!wait_at(path, 0, jump) || (low && !change_low(path, by, to)))
		return false;
	if (to[0] == jump) {
		if (path->now[JUMP - 1] == to[JUMP - 1])
			return false; /* a jump of which only the first byte changes */
		put(path, JUMP - 1, to[JUMP - 1]);
		return path->count > 1;
	}
	if (!wait_at(path, JUMP - 1, to[JUMP - 1]) || !path->count)
		return false;
	put(path, 0, to[0]);
	return true;
}

static uint8_t jump_opcode(void)
{
	uint8_t jump[ARCH_MAX_JUMP];

	arch_native()->near_jump(0, 0, jump);
	return jump[0];
}

/* Can an edit go byte by byte at all? */
static bool is_possible(const struct code_edit *edit, const uint8_t *old)
{
	uint64_t low, high;

	return arch_native()->near_jump_size == JUMP && edit->size >= JUMP &&
	       arch_native()->pun_range(edit->address, old + 1, 1, &low, &high);
}

void path_reserve(struct near_memory *near, const struct code_edit *edit, const uint8_t *old)
{
	uint64_t place, end;

	if (!is_possible(edit, old) || old[0] == jump_opcode())
		return;
	arch_native()->pun_range(edit->address, old + 1, 1, &place, &end);
	waiting_obtain(near, edit->address, place);
}

void path_plan(struct near_memory *near, struct code_edit *edit, const uint8_t *old,
	       const uint8_t *new_bytes)
{
	struct path path = {.near = near, .address = edit->address};
	bool found = false;

	edit->step_count = edit->done = 0;
	if (!is_possible(edit, old))
		return;
	for (unsigned turn = 0; turn < TURNS && !found; turn++) {
		/*
		 * Above and below by turns, a quarter to a half of the reach away from the end;
		 * each turn in a region of its own, since islands of turns that failed stay.
		 */
		uint8_t away = (uint8_t)(0x40 + turn / 2 + (turn % 2) * 0x80);

		path.count = 0;
		memcpy(path.now, old, JUMP);
		found = find(&path, new_bytes[JUMP - 1] ^ away, jump_opcode(), new_bytes);
	}
	if (!found)
		return;
	memcpy(edit->steps, path.steps, sizeof(path.steps));
	edit->step_count = path.count;
}

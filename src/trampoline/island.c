/* SPDX-License-Identifier: MIT */
/*
 * Islands. An original is the function's entry mark, its displaced instructions, and a jump back
 * to what follows them:
 *
 *   function                      original (in near memory)
 *   f3 0f 1e fa  endbr64          f3 0f 1e fa  endbr64
 *   e9 .. .. ..  jmp replacement  55           push %rbp
 *   ..                            48 89 e5     mov %rsp, %rbp
 *   41 57        push %r15  <--.  41 56        push %r14
 *   ...                         '- e9 ..       jmp function + 10
 *
 * A hop is a jump to anywhere, for a replacement that is out of the near jump's reach.
 */
#include "trampoline/island.h"

#include "base/error.h"

#include <inttypes.h>
#include <string.h>

void island_reach(uintptr_t from, uintptr_t *low, uintptr_t *high)
{
	const struct arch_ops *arch = arch_native();
	uintptr_t end = from + arch->near_jump_size;
	/* Less than the jump has: the island's own end and operands near the site must be in reach.
	 */
	uintptr_t reach = (uintptr_t)arch->near_jump_reach - (1u << 20);

	*low = end > reach ? end - reach : 0;
	*high = end < UINTPTR_MAX - reach ? end + reach : UINTPTR_MAX;
}

/* What may be displaced: the function and the padding that its jump may run into. */
static size_t displaceable(const struct trampoline_target *target, size_t skip, uint8_t *code,
			   size_t room)
{
	size_t size = 0;

	for (size_t at = skip; at < target->size && size < room; at++)
		code[size++] = target->code[at];
	for (size_t at = 0; at < target->padding_after && size < room; at++)
		code[size++] = target->following[at];
	return size;
}

static void fill_rows(const struct arch_relocated *moved, size_t mark, struct trampoline *out)
{
	out->row_count = (uint8_t)moved->count;
	for (size_t i = 0; i < moved->count; i++)
		out->rows[i] = (struct trampoline_row){
			.offset = (uint16_t)(moved->rows[i].new_offset + mark),
			.old_offset = (uint8_t)(moved->rows[i].old_offset + mark),
			.pushed = moved->rows[i].pushed,
		};
	if (mark) /* the entry mark is in front: the first row begins there */
		out->rows[0].offset = 0;
}

int island_make_original(const struct trampoline_target *target, struct near_memory *near,
			 struct trampoline *out, struct suture_error *err)
{
	const struct arch_ops *arch = arch_native();
	size_t mark = out->site - out->entry;
	uint8_t code[ARCH_MAX_WINDOW + ARCH_MAX_JUMP];
	uint8_t island[ARCH_MAX_RELOCATED + ARCH_MAX_JUMP];
	size_t size = displaceable(target, mark, code, sizeof(code));
	struct arch_relocated moved;
	uintptr_t low, high, place;
	int rc;

	/* Its size does not depend on the place, as long as that is near. */
	out->why_not =
		arch->relocate(code, size, out->site, out->window_size, out->site + mark, &moved);
	if (out->why_not != ARCH_OK)
		return 0;
	if (!near)
		return 0;
	island_reach(out->site, &low, &high);
	rc = near_alloc(near, low, high, out->site, moved.size + mark, &place, err);
	if (rc)
		return rc;
	out->original_size = moved.size + mark;
	out->why_not =
		arch->relocate(code, size, out->site, out->window_size, place + mark, &moved);
	if (out->why_not == ARCH_OK && moved.size + mark != out->original_size)
		out->why_not = ARCH_OUT_OF_REACH;
	if (out->why_not != ARCH_OK) {
		near_free(near, place, out->original_size);
		out->original_size = 0;
		return 0;
	}
	memcpy(island, target->code, mark);
	memcpy(island + mark, moved.code, moved.size);
	rc = near_write(near, place, island, out->original_size, err);
	if (rc) {
		near_free(near, place, out->original_size);
		out->original_size = 0;
		return rc;
	}
	out->original = place;
	fill_rows(&moved, mark, out);
	return 0;
}

static int write_hop(struct near_memory *near, uintptr_t place, struct trampoline *out,
		     struct suture_error *err)
{
	const struct arch_ops *arch = arch_native();
	uint8_t jump[ARCH_MAX_JUMP];
	int rc;

	arch->far_jump(out->replacement, jump);
	rc = near_write(near, place, jump, arch->far_jump_size, err);
	if (rc) {
		near_free(near, place, arch->far_jump_size);
		return rc;
	}
	out->hop = place;
	out->hop_size = arch->far_jump_size;
	return 0;
}

int island_make_hop(struct near_memory *near, uintptr_t low, uintptr_t high, struct trampoline *out,
		    struct suture_error *err)
{
	uintptr_t place;
	int rc = near_alloc(near, low, high, out->site, arch_native()->far_jump_size, &place, err);

	return rc ? rc : write_hop(near, place, out, err);
}

bool island_make_hop_at(struct near_memory *near, uintptr_t address, struct trampoline *out)
{
	near_look(near);
	if (!near_alloc_at(near, address, arch_native()->far_jump_size, 0))
		return false;
	return write_hop(near, address, out, NULL) == 0;
}

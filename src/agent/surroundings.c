/* SPDX-License-Identifier: MIT */
/* Reading what lies around an entry; see surroundings.h. */
#include "agent/surroundings.h"

#include "base/error.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A short jump and the jump behind it must lie within this distance of the entry. */
enum { REACH = 160 };

/* As many of the bytes at address, at most size, as there are. */
static size_t read_some(const struct site_table *sites, const struct code_writer *writer,
			uintptr_t address, uint8_t *out, size_t size)
{
	while (size && site_read_original(sites, writer, address, out, size))
		size--;
	return size;
}

static void read_hole(const struct site_table *sites, const struct code_writer *writer,
		      uintptr_t address, const struct format_surrounding *around,
		      struct trampoline_target *target, struct surroundings *out)
{
	struct trampoline_hole *hole = &out->holes[target->hole_count];
	uint8_t *bytes = out->hole_bytes[target->hole_count];
	size_t length =
		around->padding < SURROUNDINGS_HOLE_SIZE ? around->padding : SURROUNDINGS_HOLE_SIZE;
	uint8_t *code = malloc(around->size);

	hole->address = address + around->size;
	hole->size = 0;
	hole->code = bytes;
	if (code && site_read_original(sites, writer, address, code, around->size) == 0 &&
	    site_read_original(sites, writer, hole->address, bytes, length) == 0)
		hole->size = trampoline_padding(code, around->size, address, bytes, length);
	free(code);
	target->hole_count += hole->size > 0;
}

static bool is_near(uintptr_t end, uintptr_t entry)
{
	return end + REACH > entry && end < entry + REACH;
}

int surroundings_read(const struct site_table *sites, const struct code_writer *writer,
		      const struct patch *patch, const struct format_function *function,
		      struct trampoline_target *target, struct surroundings *out,
		      struct suture_error *err)
{
	const struct patch_file *file = &patch->file;
	uintptr_t end = target->entry + target->size;
	size_t padding;

	target->following = out->following;
	target->following_size =
		read_some(sites, writer, end, out->following, sizeof(out->following));
	padding = function->padding < target->following_size ? function->padding
							     : target->following_size;
	target->padding_after = trampoline_padding(target->code, target->size, target->entry,
						   out->following, padding);
	target->holes = out->holes;
	target->entries = out->labels;
	for (size_t i = 0; i < file->surroundings.count; i++) {
		const struct format_surrounding *around = &file->surroundings.records[i];
		uintptr_t address = patch_target(patch, around->module_ref, around->target);

		if (around->module_ref != function->module_ref)
			continue;
		if (around->kind == FORMAT_SURROUNDING_NEIGHBOUR) {
			if (target->hole_count < SURROUNDINGS_HOLES && address != target->entry &&
			    is_near(address + around->size, target->entry))
				read_hole(sites, writer, address, around, target, out);
		} else if (address > target->entry && address < end) {
			if (target->entry_count == SURROUNDINGS_LABELS)
				return error_set(err, SUTURE_E_BAD_PATCH_FILE,
						 "%s has more than %d labels", target->name,
						 SURROUNDINGS_LABELS);
			out->labels[target->entry_count++] = address;
		}
	}
	return 0;
}

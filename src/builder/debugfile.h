/* SPDX-License-Identifier: MIT */
/* Where a binary's separate symbols are: by build-id, then by .gnu_debuglink, as gdb looks. */
#ifndef BUILDER_DEBUGFILE_H
#define BUILDER_DEBUGFILE_H

#include "arena.h"

#include <libelf.h>
#include <stddef.h>
#include <stdint.h>

/* The path of an existing file, in arena, or NULL. */
const char *debugfile_find(struct arena *arena, const char *binary, Elf *elf,
			   const uint8_t *build_id, size_t build_id_size);

#endif

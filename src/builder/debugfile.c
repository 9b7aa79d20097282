/* SPDX-License-Identifier: MIT */
/* The search for a separate debug file. */
#include "debugfile.h"

#include <gelf.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *debug_root = "/usr/lib/debug";

static const char *by_build_id(struct arena *arena, const uint8_t *id, size_t size)
{
	char hex[2 * 64 + 1];
	const char *path;

	if (size < 2 || size > 64)
		return NULL;
	for (size_t i = 0; i < size; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	path = arena_format(arena, "%s/.build-id/%.2s/%s.debug", debug_root, hex, hex + 2);
	return path && access(path, R_OK) == 0 ? path : NULL;
}

/* The file name in .gnu_debuglink, or NULL. */
static const char *link_name(struct arena *arena, Elf *elf)
{
	Elf_Scn *scn = NULL;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return NULL;
	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;
		const char *name;
		Elf_Data *data;

		if (!gelf_getshdr(scn, &shdr))
			continue;
		name = elf_strptr(elf, names, shdr.sh_name);
		if (!name || strcmp(name, ".gnu_debuglink") != 0)
			continue;
		data = elf_rawdata(scn, NULL);
		if (!data || !data->d_buf || !memchr(data->d_buf, 0, data->d_size))
			return NULL;
		return arena_text(arena, data->d_buf);
	}
	return NULL;
}

const char *debugfile_find(struct arena *arena, const char *binary, Elf *elf,
			   const uint8_t *build_id, size_t build_id_size)
{
	const char *path = by_build_id(arena, build_id, build_id_size);
	char real[PATH_MAX];
	const char *name;
	char *slash;

	if (path)
		return path;
	name = link_name(arena, elf);
	if (!name || !realpath(binary, real))
		return NULL;
	slash = strrchr(real, '/');
	if (!slash)
		return NULL;
	*slash = '\0';
	for (int i = 0; i < 3; i++) {
		if (i == 0)
			path = arena_format(arena, "%s/%s", real, name);
		else if (i == 1)
			path = arena_format(arena, "%s/.debug/%s", real, name);
		else
			path = arena_format(arena, "%s%s/%s", debug_root, real, name);
		if (path && access(path, R_OK) == 0)
			return path;
	}
	return NULL;
}

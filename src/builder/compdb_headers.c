/* SPDX-License-Identifier: MIT */
/* See compdb_headers.h. The folders of -I are looked through in their order, as gcc does. */
#include "builder/compdb_headers.h"

#include "builder/path.h"

#include "base/file.h"

#include <string.h>

static bool has_header(const char *folder, const char *name)
{
	cleanup_memory char *path = path_join(folder, name);

	return !path || path_exists(path);
}

/* Is it the output, without its .gch? */
static bool is_made_as(const char *output, const char *folder, const char *name)
{
	cleanup_memory char *path = path_absolute(folder, name);
	size_t length = path ? strlen(path) : 0;

	return path && strncmp(output, path, length) == 0 && strcmp(output + length, ".gch") == 0;
}

/* Does what the entry includes by this name come out of `output`, and from nowhere before? */
static bool finds(const struct compdb_entry *entry, const char *name, const char *output)
{
	if (*name == '/' || has_header(entry->directory, name))
		return false;
	for (size_t i = 1; i < entry->argv.count; i++) {
		const char *arg = entry->argv.items[i];
		cleanup_memory char *folder = NULL;

		if (strncmp(arg, "-I", 2) != 0 || (!arg[2] && i + 1 == entry->argv.count))
			continue;
		folder = path_absolute(entry->directory, arg[2] ? arg + 2 : entry->argv.items[++i]);
		if (!folder || has_header(folder, name))
			return false;
		if (is_made_as(output, folder, name))
			return true;
	}
	return false;
}

static void name_header(struct compdb *db, const struct compdb_entry *from)
{
	for (size_t i = 0; i < db->count; i++) {
		struct compdb_entry *entry = &db->entries[i];

		for (size_t k = 1; k + 1 < entry->argv.count; k++) {
			char *header;

			if (strcmp(entry->argv.items[k], "-include") != 0 ||
			    !finds(entry, entry->argv.items[k + 1], from->output))
				continue;
			header = strdup(from->file);
			if (!header)
				return;
			free(entry->argv.items[k + 1]);
			entry->argv.items[k + 1] = header;
		}
	}
}

void compdb_name_headers(struct compdb *db)
{
	for (size_t i = 0; i < db->count; i++) {
		const char *output = db->entries[i].output;
		const char *dot = output ? strrchr(path_base(output), '.') : NULL;

		if (dot && strcmp(dot, ".gch") == 0)
			name_header(db, &db->entries[i]);
	}
}

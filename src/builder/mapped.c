/* SPDX-License-Identifier: MIT */
/* Names behind prefix maps; see mapped.h. */
#include "builder/mapped.h"

#include "builder/path.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>

/* The prefix that an option has replaced in what the compiler writes down, as OLD=NEW, or NULL. */
static const char *prefix_map(const char *arg)
{
	static const char *const options[] = {"-ffile-prefix-map=", "-fdebug-prefix-map="};

	for (size_t i = 0; i < 2; i++)
		if (strncmp(arg, options[i], strlen(options[i])) == 0)
			return arg + strlen(options[i]);
	return NULL;
}

char *mapped_source(const struct compdb_entry *entry)
{
	cleanup_memory char *mapped = NULL;

	for (size_t i = entry->argv.count; i-- > 1 && !mapped;) {
		const char *map = prefix_map(entry->argv.items[i]);
		const char *to = map ? strrchr(map, '=') : NULL;

		if (to && strncmp(entry->file, map, to - map) == 0 &&
		    asprintf(&mapped, "%s%s", to + 1, entry->file + (to - map)) < 0)
			mapped = NULL;
	}
	return mapped ? path_absolute("/", mapped) : NULL;
}

/* Takes the path if there is such a file. */
static void add_existing(struct strings *files, const char *folder, size_t length, const char *rest)
{
	cleanup_memory char *base = strndup(folder, length);
	cleanup_memory char *path = base && *base == '/' ? path_absolute(base, rest) : NULL;

	if (path && path_exists(path))
		strings_add_once(files, path);
}

static bool begins(const char *text, const char *with, size_t length)
{
	return strncmp(text, with, length) == 0;
}

/*
 * Both folder and name may have been mapped before they were joined ("./bld/src/./src/shop.c"):
 * where the map's new prefix stands last, the name began.
 */
static void add_unmapped(struct strings *files, const char *map, const char *name)
{
	const char *to = strrchr(map, '=');
	size_t length = to ? strlen(to + 1) : 0;

	if (!to)
		return;
	if (!length && *name != '/') {
		add_existing(files, map, (size_t)(to - map), name);
		return;
	}
	for (size_t at = strlen(name); length && at-- > 0;)
		if ((!at || name[at - 1] == '/') && begins(name + at, to + 1, length) &&
		    name[at + length] == '/') {
			size_t known = files->count;

			add_existing(files, map, (size_t)(to - map), name + at + length + 1);
			if (files->count > known)
				return;
		}
}

char *mapped_back(const struct compdb *db, const char *name)
{
	struct strings files = {0};
	char *file = NULL;
	bool unmapped;

	if (*name == '/' && path_exists(name))
		return NULL;
	for (size_t i = 0; i < db->count; i++)
		for (size_t k = 1; k < db->entries[i].argv.count; k++) {
			const char *map = prefix_map(db->entries[i].argv.items[k]);

			if (map)
				add_unmapped(&files, map, name);
		}
	unmapped = files.count > 0;
	for (size_t i = 0; i < db->count && !unmapped && *name != '/'; i++)
		add_existing(&files, db->entries[i].directory, strlen(db->entries[i].directory),
			     name);
	if (files.count == 1)
		file = strdup(files.items[0]);
	strings_fini(&files);
	return file;
}

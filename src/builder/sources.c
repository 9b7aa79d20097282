/* SPDX-License-Identifier: MIT */
/* Files of a binary; see sources.h. */
#include "builder/sources.h"

#include "builder/compdb.h"
#include "builder/deps.h"
#include "builder/members.h"
#include "builder/path.h"

#include "base/error.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The folder that holds all wanted sources. */
static char *common_folder(const struct compdb *db, const bool *wanted)
{
	char *common = NULL;

	for (size_t i = 0; i < db->count; i++) {
		char *next;

		if (!wanted[i])
			continue;
		next = common ? path_common(common, db->entries[i].file)
			      : path_folder(db->entries[i].file);
		free(common);
		common = next;
	}
	return common;
}

static void keep_inside(const char *root, const struct strings *all, struct strings *files)
{
	const char *last = "";

	for (size_t i = 0; i < all->count; i++) {
		if (path_inside(all->items[i], root) && strcmp(all->items[i], last) != 0)
			strings_add(files, all->items[i]);
		last = all->items[i];
	}
}

static int list_in(const struct build_options *options, const char *work_dir, struct strings *files,
		   struct suture_error *err)
{
	cleanup_memory char *build_dir = realpath(options->build_dir, NULL);
	cleanup_memory char *root = NULL;
	cleanup_memory char *real_root = NULL;
	cleanup_memory bool *wanted = NULL;
	cleanup_memory bool *linked = NULL;
	struct deps_options deps = {.build_dir = build_dir, .work_dir = work_dir};
	struct strings all = {0};
	struct compdb db = {0};
	int rc;

	if (!build_dir)
		return error_set(err, SUTURE_E_USAGE, "-C %s: no such folder", options->build_dir);
	rc = compdb_read(build_dir, &db, err);
	wanted = rc ? NULL : calloc(db.count + 1, sizeof(*wanted));
	linked = rc ? NULL : calloc(db.count + 1, sizeof(*linked));
	if (!rc && (!wanted || !linked))
		rc = error_no_memory(err);
	if (!rc)
		rc = members_find(options->binary, build_dir, work_dir, &db, wanted, linked, err);
	if (!rc)
		rc = deps_list(&deps, &db, wanted, &all, err);
	if (!rc) {
		root = options->source_dir ? strdup(options->source_dir)
					   : common_folder(&db, wanted);
		real_root = root ? path_real("/", root) : NULL;
		if (real_root)
			keep_inside(real_root, &all, files);
		if (!real_root || !strings_ok(files))
			rc = error_no_memory(err);
	}
	strings_fini(&all);
	compdb_fini(&db);
	return rc;
}

int sources_list(const struct build_options *options, struct strings *files,
		 struct suture_error *err)
{
	cleanup_memory char *work_dir = NULL;
	int rc;

	work_dir = path_make_work(err);
	if (!work_dir)
		return err ? -(int)err->code : -(int)SUTURE_E_IO;
	rc = list_in(options, work_dir, files, err);
	path_remove_tree(work_dir);
	return rc;
}

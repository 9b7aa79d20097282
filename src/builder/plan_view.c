/* SPDX-License-Identifier: MIT */
/* The views of the tree that units are compiled in: which folders are real, and which files differ.
 */
#include "builder/plan.h"

#include "builder/lines.h"
#include "builder/path.h"
#include "builder/reroute.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

#include <string.h>

/* Where a line that starts with '#' is no directive: text that a program may include as data. */
static bool is_other_language(const char *name)
{
	static const char *const extensions[] = {".s",	   ".txt",  ".json", ".md",
						 ".cmake", ".glsl", ".frag", ".vert",
						 ".lua",   ".py",   ".sh",   ".yml"};
	const char *dot = strrchr(path_base(name), '.');

	for (size_t i = 0; dot && i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (strcmp(dot, extensions[i]) == 0)
			return true;
	return false;
}

/* Puts a file into the view, with its lines numbered where that is known and wanted. */
static int write_file(const struct overlay *view, const char *path, const char *text, size_t size,
		      const struct numbers *numbers, struct suture_error *err)
{
	struct bytes out = {0};
	int rc;

	if (!text || !numbers->count || is_other_language(path))
		return overlay_replace(view, path, text, size, err);
	rc = lines_keep(numbers, text, size, &out, err);
	if (!rc)
		rc = overlay_replace(view, path, out.data ? out.data : (uint8_t *)"", out.size,
				     err);
	bytes_fini(&out);
	return rc;
}

/* Into the view too, where the source, or what comes before it, includes by an absolute path. */
static int lead_includes(const struct plan *plan, const struct overlay *view,
			 struct suture_error *err)
{
	struct strings files = {0};
	int rc = 0;

	for (size_t i = 0; i < plan->unit_count; i++) {
		strings_add_once(&files, plan->units[i].entry->file);
		command_included(&plan->units[i].command, &files);
	}
	if (!strings_ok(&files))
		rc = error_no_memory(err);
	for (size_t i = 0; i < files.count && !rc; i++)
		if (overlay_covers(view, files.items[i]))
			rc = reroute_includes(view, files.items[i], err);
	strings_fini(&files);
	return rc;
}

static int write_state(const struct overlay *view, const struct state *state,
		       struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; state && i < state->count && !rc; i++) {
		const struct state_file *file = &state->list[i];

		rc = write_file(view, file->path, file->text, file->size, &file->numbers, err);
	}
	return rc;
}

static int write_patched(const struct plan *plan, bool numbered, struct suture_error *err)
{
	static const struct numbers none;
	int rc = write_state(&plan->view, plan->base.now, err);

	for (size_t i = 0; i < plan->changes.count && !rc; i++) {
		const struct diff_change *change = &plan->changes.list[i];

		rc = write_file(&plan->view, change->path, change->new_text, change->new_size,
				numbered ? &change->numbers : &none, err);
	}
	return rc ? rc : lead_includes(plan, &plan->view, err);
}

/* Of a file that may be a link: what differs is written where it lies, too. */
static void add_folders_of(struct strings *folders, const char *path)
{
	cleanup_memory char *real = path_real("/", path);

	strings_take(folders, path_folder(path));
	strings_take(folders, real ? path_folder(real) : NULL);
}

/* Folders that compilers start from, and those of the files that differ. */
static void real_folders(const struct plan *plan, struct strings *folders)
{
	struct strings included = {0};

	for (size_t i = 0; i < plan->unit_count; i++) {
		strings_add_once(folders, plan->units[i].entry->directory);
		strings_take(folders, path_folder(plan->units[i].entry->file));
		command_included(&plan->units[i].command, &included);
	}
	for (size_t i = 0; i < included.count; i++)
		strings_take(folders, path_folder(included.items[i]));
	folders->failed |= included.failed;
	strings_fini(&included);
	for (size_t i = 0; i < plan->changes.count; i++)
		add_folders_of(folders, plan->changes.list[i].path);
	for (size_t i = 0; plan->base.now && i < plan->base.now->count; i++)
		add_folders_of(folders, plan->base.now->list[i].path);
}

/* A view of the tree at work_dir/name, in which nothing differs yet. */
static int make_view(const struct plan *plan, const char *name, bool full, struct overlay *view,
		     struct suture_error *err)
{
	cleanup_memory char *top = path_join(plan->work_dir, name);
	struct strings folders = {0};
	struct strings roots = {0};
	int rc;

	real_folders(plan, &folders);
	strings_add(&roots, plan->root);
	strings_add(&roots, plan->build_dir);
	strings_add_all(&roots, &folders);
	overlay_fini(view);
	if (!top || !strings_ok(&roots) || !strings_ok(&folders))
		rc = error_no_memory(err);
	else
		rc = overlay_init(view, top, &roots, full ? NULL : &folders, err);
	strings_fini(&folders);
	strings_fini(&roots);
	return rc;
}

int plan_make_view(struct plan *plan, bool full, struct suture_error *err)
{
	int rc = make_view(plan, full ? "full" : "view", full, &plan->view, err);

	return rc ? rc : write_patched(plan, true, err);
}

int plan_make_before(struct plan *plan, const struct build_options *options,
		     struct suture_error *err)
{
	int rc = 0;

	if (!options->baseline && !(plan->base.before && plan->base.before->count))
		return 0;
	rc = make_view(plan, "before", false, &plan->before, err);
	if (!rc)
		rc = write_state(&plan->before, plan->base.before, err);
	for (size_t i = 0; options->baseline && i < plan->changes.count && !rc; i++) {
		const struct diff_change *change = &plan->changes.list[i];

		rc = overlay_replace(&plan->before, change->path, change->old_text,
				     change->old_size, err);
	}
	return rc ? rc : lead_includes(plan, &plan->before, err);
}

unsigned plan_real_line(const struct plan *plan, const char *file, unsigned line)
{
	for (size_t i = 0; i < plan->changes.count && file; i++) {
		const struct diff_change *change = &plan->changes.list[i];

		if (strcmp(path_base(change->path), path_base(file)) == 0)
			return (unsigned)numbers_real(change->line_base, line);
	}
	return line;
}

int plan_unnumber(struct plan *plan, struct suture_error *err)
{
	return write_patched(plan, false, err);
}

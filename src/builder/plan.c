/* SPDX-License-Identifier: MIT */
/* The plan of a build; see plan.h. */
#include "builder/plan.h"

#include "builder/members.h"
#include "builder/path.h"
#include "builder/unreached.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

void plan_fini(struct plan *plan)
{
	for (size_t i = 0; i < plan->unit_count; i++)
		compile_unit_fini(&plan->units[i]);
	free(plan->units);
	free(plan->uncompiled);
	free(plan->members);
	free(plan->linked);
	overlay_fini(&plan->view);
	overlay_fini(&plan->before);
	strings_fini(&plan->edited);
	diff_changes_fini(&plan->changes);
	diff_fini(&plan->diff);
	compdb_fini(&plan->db);
	free(plan->root);
	free(plan->build_dir);
	*plan = (struct plan){0};
}

/*
 * Where the diff may belong: the folder that holds all sources and those above it, the build folder
 * and the one above, the working folder, at last each folder with a source.
 */
static void candidate_roots(const struct plan *plan, struct strings *roots)
{
	char *common = path_folder(plan->db.entries[0].file);
	cleanup_memory char *working = realpath(".", NULL);
	cleanup_memory char *above_build = path_folder(plan->build_dir);

	for (size_t i = 1; i < plan->db.count && common; i++) {
		char *next = path_common(common, plan->db.entries[i].file);

		free(common);
		common = next;
	}
	while (common && strcmp(common, "/") != 0) {
		char *up = path_folder(common);

		strings_add_once(roots, common);
		free(common);
		common = up;
	}
	free(common);
	strings_add_once(roots, plan->build_dir);
	if (above_build)
		strings_add_once(roots, above_build);
	if (working)
		strings_add_once(roots, working);
	for (size_t i = 0; i < plan->db.count; i++) {
		cleanup_memory char *folder = path_folder(plan->db.entries[i].file);

		if (folder)
			strings_add_once(roots, folder);
	}
}

static int find_root(struct plan *plan, const struct build_options *options, unsigned *strip,
		     struct suture_error *err)
{
	struct strings roots = {0};
	size_t chosen = 0;
	int rc;

	if (options->source_dir) {
		char *real = realpath(options->source_dir, NULL);

		if (!real)
			return error_set(err, SUTURE_E_USAGE, "--source %s: no such folder",
					 options->source_dir);
		/* The spelling of the commands, where they agree with it: links above the tree. */
		strings_take(&roots,
			     path_absolute(real, options->source_dir[0] == '/' ? options->source_dir
									       : "."));
		free(real);
	} else {
		candidate_roots(plan, &roots);
	}
	rc = strings_ok(&roots) ? 0 : error_no_memory(err);
	if (!rc && options->diff)
		rc = diff_locate(&plan->diff, &roots, &chosen, strip, err);
	if (!rc) {
		plan->root = strdup(roots.items[chosen]);
		if (!plan->root)
			rc = error_no_memory(err);
	}
	strings_fini(&roots);
	return rc;
}

char *plan_unit_name(const struct plan *plan, const char *file)
{
	size_t length = strlen(plan->root);

	if (path_inside(file, plan->root) && file[length] == '/')
		return strdup(file + length + 1);
	return strdup(file);
}

/* How the diff treats the unit's own source. */
static void note_edit(const struct plan *plan, struct compile_unit *unit)
{
	cleanup_memory char *real = path_real("/", unit->entry->file);

	for (size_t i = 0; i < plan->changes.count && real; i++) {
		const struct diff_change *change = &plan->changes.list[i];
		cleanup_memory char *path = path_real("/", change->path);

		if (!path || strcmp(path, real) != 0)
			continue;
		unit->edited = true;
		unit->added = !change->old_text;
		unit->removed = !change->new_text;
	}
}

static int add_units(struct plan *plan, const enum deps_reach *reach, struct suture_error *err)
{
	plan->units = calloc(plan->db.count + 1, sizeof(*plan->units));
	if (!plan->units)
		return error_no_memory(err);
	for (size_t i = 0; i < plan->db.count; i++) {
		struct compile_unit *unit = &plan->units[plan->unit_count];
		int rc;

		if (reach[i] == DEPS_NONE)
			continue;
		plan->unit_count++;
		unit->entry = &plan->db.entries[i];
		unit->name = plan_unit_name(plan, unit->entry->file);
		if (!unit->name)
			return error_no_memory(err);
		rc = command_init(&unit->command, unit->entry, err);
		if (rc)
			return rc;
		if (unit->command.makes_header) {
			command_fini(&unit->command);
			free(unit->name);
			*unit = (struct compile_unit){0};
			plan->unit_count--;
			continue;
		}
		note_edit(plan, unit);
	}
	return 0;
}

/* Commands that were exported from another tree, or before files were moved. */
static int check_commands(const struct plan *plan, struct suture_error *err)
{
	for (size_t i = 0; i < plan->unit_count; i++) {
		const struct compile_unit *unit = &plan->units[i];
		bool folder;

		if (!unit->entry)
			continue;
		folder = path_exists(unit->entry->directory);
		if (folder && (unit->added || path_exists(unit->entry->file)))
			continue;
		error_set(err, SUTURE_E_BAD_INPUT,
			  "%s is not of this tree: %s, which it names for %s, does not exist",
			  plan->db.path, folder ? unit->entry->file : unit->entry->directory,
			  unit->name);
		return error_next(err, "export it again: cmake -DCMAKE_EXPORT_COMPILE_COMMANDS=ON, "
				       "`ninja -t compdb`, or `bear -- make` from a clean tree");
	}
	return 0;
}

/* What can be said of the binary before anything is compiled for it. */
static int check_binary(const char *path, struct suture_error *err)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char magic[4] = "";

	if (fd >= 0 && read(fd, magic, sizeof(magic)) == sizeof(magic) &&
	    memcmp(magic, "\177ELF", sizeof(magic)) == 0)
		return 0;
	if (fd < 0)
		error_errno(err, SUTURE_E_BAD_INPUT, errno, "--binary %s", path);
	else
		error_set(err, SUTURE_E_BAD_INPUT, "--binary %s: no ELF file", path);
	return error_next(err, "name the program or library that runs, as it was linked");
}

/* A unit that a patch below has, too: what the diff does to headers that this one added is not
 * known otherwise. */
static void reach_below(const struct plan *plan, enum deps_reach *reach)
{
	for (size_t i = 0; i < plan->base.below_count; i++) {
		const struct plan *below = plan->base.below[i];

		for (size_t k = 0; k < below->unit_count; k++) {
			size_t index = (size_t)(below->units[k].entry - below->db.entries);

			if (!below->units[k].skipped && reach[index] == DEPS_NONE)
				reach[index] = DEPS_INCLUDED;
		}
	}
}

static int add_layer(struct compile_unit *unit, const struct compile_unit *below, size_t index,
		     struct suture_error *err)
{
	struct core_layer *layers =
		reallocarray(unit->layers, unit->layer_count + 1, sizeof(*layers));

	if (!layers)
		return error_no_memory(err);
	unit->layers = layers;
	if (!unit->layer_count) {
		/* Without -g it has no description here: with it, it is refused. */
		unit->o_path = strdup(compile_unit_described(below, below->o_path));
		unit->v_path = strdup(below->v_path);
		if (!unit->o_path || !unit->v_path)
			return error_no_memory(err);
	}
	layers[unit->layer_count++] =
		(struct core_layer){compile_unit_described(below, below->p_path), index};
	return 0;
}

/* The objects of patches below are the originals of this one. */
static int add_layers(struct plan *plan, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < plan->unit_count; i++) {
		struct compile_unit *unit = &plan->units[i];
		size_t index = (size_t)(unit->entry - plan->db.entries);

		for (size_t k = 0; !rc && k < plan->base.below_count; k++) {
			const struct plan *below = plan->base.below[k];

			for (size_t n = 0; !rc && n < below->unit_count; n++) {
				const struct compile_unit *other = &below->units[n];

				if ((size_t)(other->entry - below->db.entries) == index &&
				    !other->skipped && other->v_path && other->o_path &&
				    other->p_path)
					rc = add_layer(unit, other, k, err);
			}
		}
	}
	return rc;
}

static int find_units(struct plan *plan, const struct build_options *options,
		      struct build_result *result, struct suture_error *err)
{
	struct deps_options deps = {.build_dir = plan->build_dir,
				    .root = plan->root,
				    .work_dir = plan->work_dir,
				    .parallel = options->parallel};
	enum deps_reach *reach = calloc(plan->db.count, sizeof(*reach));
	bool *wanted = calloc(plan->db.count, sizeof(*wanted));
	bool *linked = calloc(plan->db.count, sizeof(*linked));
	int rc;

	plan->members = wanted;
	plan->linked = linked;
	if (!reach || !wanted || !linked)
		rc = error_no_memory(err);
	else
		rc = members_find(options->binary, plan->build_dir, plan->work_dir, &plan->db,
				  wanted, linked, err);
	if (!rc)
		rc = deps_find(&deps, &plan->db, wanted, &plan->changes, reach, err);
	for (size_t i = 0; i < plan->db.count && !rc && options->all_units; i++)
		if (wanted[i] && reach[i] == DEPS_NONE)
			reach[i] = DEPS_INCLUDED;
	if (!rc)
		reach_below(plan, reach);
	if (!rc)
		rc = add_units(plan, reach, err);
	if (!rc)
		rc = add_layers(plan, err);
	if (!rc)
		rc = check_commands(plan, err);
	if (!rc)
		rc = unreached_report(plan, &deps, wanted, result, err);
	free(reach);
	return rc;
}

/* The diff, the folder that it belongs to, and what it changes there. */
static int read_changes(struct plan *plan, const struct build_options *options,
			const struct plan_base *base, bool reverse, char *work_dir,
			struct suture_error *err)
{
	struct diff_originals originals = {
		.baseline = options->baseline, .state = base->now, .reverse = reverse};
	cleanup_memory char *scratch = path_join(work_dir, "diff");
	cleanup_memory char *here = realpath(".", NULL);
	int rc;

	*plan = (struct plan){.work_dir = work_dir, .base = *base};
	/* Not resolved: commands may spell the folder through a link. */
	plan->build_dir = here ? path_absolute(here, options->build_dir) : NULL;
	if (!scratch || !plan->build_dir)
		return error_no_memory(err);
	rc = check_binary(options->binary, err);
	if (!rc && options->diff)
		rc = diff_read(options->diff, &plan->diff, err);
	if (!rc)
		rc = compdb_read(plan->build_dir, &plan->db, err);
	if (!rc)
		rc = find_root(plan, options, &originals.strip, err);
	if (rc || !options->diff)
		return rc;
	originals.root = plan->root;
	rc = path_make_folders(scratch, err);
	return rc ? rc : diff_apply(&plan->diff, &originals, scratch, &plan->changes, err);
}

int plan_take_out(struct plan *plan, const struct build_options *options,
		  const struct plan_base *base, char *work_dir, struct suture_error *err)
{
	return read_changes(plan, options, base, true, work_dir, err);
}

bool plan_is_unreached(const struct plan *plan, const struct compdb_entry *entry)
{
	if (!plan->members[entry - plan->db.entries])
		return false;
	for (size_t i = 0; i < plan->unit_count; i++)
		if (plan->units[i].entry == entry)
			return plan->units[i].skipped && !plan->units[i].foreign;
	return true;
}

int plan_init(struct plan *plan, const struct build_options *options, const struct plan_base *base,
	      char *work_dir, struct build_result *result, struct suture_error *err)
{
	int rc = read_changes(plan, options, base, false, work_dir, err);

	for (size_t i = 0; i < plan->changes.count && !rc; i++)
		strings_take(&plan->edited, path_real("/", plan->changes.list[i].path));
	for (size_t i = 0; !rc && base->now && i < base->now->count; i++)
		strings_take(&plan->edited, path_real("/", base->now->list[i].path));
	if (!rc && !strings_ok(&plan->edited))
		rc = error_no_memory(err);
	if (!rc) {
		result->source_root = strdup(plan->root);
		rc = find_units(plan, options, result, err);
	}
	return rc;
}

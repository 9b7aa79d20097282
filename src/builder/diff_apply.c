/* SPDX-License-Identifier: MIT */
/* What a diff makes of the sources: GNU patch on copies, then before and after compared. */
#include "builder/diff.h"
#include "builder/lexer.h"
#include "builder/numbers.h"
#include "builder/path.h"
#include "builder/process.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>
#include <sys/stat.h>

enum { SOURCE_SIZE_MAX = 1 << 28 };

static void change_fini(struct diff_change *change)
{
	free(change->name);
	free(change->path);
	free(change->old_text);
	free(change->new_text);
	hunks_fini(&change->hunks);
	numbers_fini(&change->numbers);
}

void diff_changes_fini(struct diff_changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		change_fini(&changes->list[i]);
	free(changes->list);
	*changes = (struct diff_changes){0};
}

/* All names of the diff, without the stripped folders. */
static void collect_names(const struct diff *diff, unsigned strip, struct strings *names)
{
	for (size_t i = 0; i < diff->count; i++) {
		const struct diff_file *file = &diff->files[i];
		const char *both[] = {file->old_name, file->new_name};

		for (size_t j = 0; j < 2; j++) {
			const char *name = both[j];

			for (unsigned k = file->renamed && strip ? strip - 1 : strip; name && k;
			     k--) {
				name = strchr(name, '/');
				name = name ? name + strspn(name, "/") : NULL;
			}
			if (name && *name)
				strings_add_once(names, name);
		}
	}
	strings_sort(names);
}

/* *text stays NULL where there is no such file. */
static int read_optional(const char *path, char **text, size_t *size, struct suture_error *err)
{
	uint8_t *data;

	if (!path_exists(path))
		return 0;
	if (file_read(path, SOURCE_SIZE_MAX, &data, size, err))
		return -(int)err->code;
	*text = (char *)data;
	return 0;
}

/* The file as the diff expects it. */
static int read_original(struct diff_change *change, const struct diff_originals *originals,
			 struct suture_error *err)
{
	const struct state_file *file = state_find(originals->state, change->path);
	cleanup_memory char *path = NULL;

	if (file && file->text) {
		change->old_size = file->size;
		change->old_text = malloc(file->size + 1);
		if (!change->old_text)
			return error_no_memory(err);
		memcpy(change->old_text, file->text, file->size + 1);
	}
	if (file)
		return 0;
	if (asprintf(&path, "%s%s", originals->baseline ? originals->baseline : "", change->path) <
	    0) {
		path = NULL;
		return error_no_memory(err);
	}
	return read_optional(path, &change->old_text, &change->old_size, err);
}

static int copy_original(struct diff_change *change, const struct diff_originals *originals,
			 const char *scratch, struct suture_error *err)
{
	cleanup_memory char *copy = path_join(scratch, change->name);
	cleanup_memory char *folder = copy ? path_folder(copy) : NULL;
	cleanup_memory char *real = NULL;
	cleanup_memory char *real_root = NULL;
	int rc;

	change->path = path_absolute(originals->root, change->name);
	if (!folder || !change->path)
		return error_no_memory(err);
	/* A symbolic link in the tree may lead out of it: such a file is not the diff's to change.
	 */
	real = path_real("/", change->path);
	real_root = path_real("/", originals->root);
	if (!real || !real_root)
		return error_no_memory(err);
	if (!path_inside(real, real_root))
		return error_set(err, SUTURE_E_DIFF_FAILED, "%s: a link out of the source folder",
				 change->name);
	rc = read_original(change, originals, err);
	if (rc || !change->old_text)
		return rc;
	rc = path_make_folders(folder, err);
	return rc ? rc : file_replace(copy, change->old_text, change->old_size, 0600, err);
}

/* Runs patch(1); returns 0, 1 where the diff does not apply, or a negative code. */
static int run_patch(const struct diff *diff, const char *scratch, unsigned strip,
		     const char *const *extra, const char *log, struct suture_error *err)
{
	struct strings argv = {0};
	struct process_job job = {
		.argv = &argv, .directory = scratch, .out_path = log, .error_path = log};
	cleanup_memory char *input = realpath(diff->path, NULL);
	int rc;

	if (!input)
		return error_no_memory(err);
	strings_add(&argv, "patch");
	strings_add(&argv, "--unified"); /* an ed script would be run by ed */
	strings_add(&argv, "--force");
	strings_add(&argv, "--fuzz=0");
	strings_add(&argv, "--no-backup-if-mismatch");
	strings_add(&argv, "--remove-empty-files");
	strings_add(&argv, "--reject-file=-");
	strings_add_format(&argv, "--strip=%u", strip);
	strings_add_format(&argv, "--input=%s", input);
	for (; *extra; extra++)
		strings_add(&argv, *extra);
	rc = strings_ok(&argv) ? process_run(&job, 1, 1, NULL, NULL, err) : error_no_memory(err);
	strings_fini(&argv);
	if (rc)
		return rc;
	if (job.status == 127 << 8)
		return error_set(err, SUTURE_E_IO, "patch(1) could not be run: is it installed?");
	return job.status ? 1 : 0;
}

/* The lines of patch's output that say what went wrong, as one message. */
static int say_why(const struct diff *diff, const char *log, bool applied_already,
		   struct suture_error *err)
{
	cleanup_memory uint8_t *data = NULL;
	cleanup_memory char *text = NULL;
	size_t size = 0;

	if (applied_already) {
		error_set(err, SUTURE_E_DIFF_FAILED, "%s: it is in the sources already",
			  diff->path);
		error_next(err, "take it out first (patch -R): the sources must be those that the "
				"binary was built from");
		return -(int)err->code;
	}
	if (!file_read(log, 1 << 20, &data, &size, NULL))
		text = strndup((char *)data, size);
	while (text && size && (text[size - 1] == '\n' || text[size - 1] == '\r'))
		text[--size] = '\0';
	error_set(err, SUTURE_E_DIFF_FAILED, "%s does not apply: %s", diff->path, text ? text : "");
	error_next(err, "make the diff against the sources that the binary was built from");
	return -(int)err->code;
}

static int unapply(const struct diff *diff, const char *scratch, unsigned strip, const char *log,
		   struct suture_error *err)
{
	static const char *const reverse[] = {"--reverse", NULL};
	int rc = run_patch(diff, scratch, strip, reverse, log, err);

	return rc == 1 ? say_why(diff, log, false, err) : rc;
}

static int apply(const struct diff *diff, const char *scratch, unsigned strip, const char *log,
		 struct suture_error *err)
{
	/* --binary: a diff whose every line ends in CR LF, against files of the same kind. */
	static const char *const tries[][3] = {{"--dry-run", NULL},
					       {"--dry-run", "--binary", NULL}};
	static const char *const reversed[] = {"--dry-run", "--reverse", NULL};
	int rc = 1;

	for (size_t i = 0; i < 2 && rc == 1; i++) {
		rc = run_patch(diff, scratch, strip, tries[i], log, err);
		if (rc == 0)
			rc = run_patch(diff, scratch, strip, tries[i] + 1, log, err);
	}
	if (rc != 1)
		return rc;
	rc = run_patch(diff, scratch, strip, reversed, "/dev/null", err);
	if (rc < 0)
		return rc;
	if (rc == 1)
		rc = run_patch(diff, scratch, strip, tries[0], log, err);
	else
		return say_why(diff, log, true, err);
	return rc < 0 ? rc : say_why(diff, log, false, err);
}

static int compare(struct diff_change *change, const struct state *state, const char *scratch,
		   struct suture_error *err)
{
	const struct state_file *file = state_find(state, change->path);
	const struct numbers *before = file && file->numbers.count ? &file->numbers : NULL;
	cleanup_memory char *copy = path_join(scratch, change->name);
	int rc;

	if (!copy)
		return error_no_memory(err);
	rc = read_optional(copy, &change->new_text, &change->new_size, err);
	if (rc || !change->old_text || !change->new_text)
		return rc;
	change->same_tokens =
		lexer_same(change->old_text, change->old_size, change->new_text, change->new_size);
	change->line_base = numbers_base(change->old_text, change->old_size, before);
	rc = hunks_compare(change->old_text, change->old_size, change->new_text, change->new_size,
			   &change->hunks, err);
	if (rc)
		return rc;
	return numbers_init(&change->numbers, change->line_base, before, change->old_text,
			    change->old_size, change->new_text, change->new_size, &change->hunks,
			    err);
}

static bool unchanged(const struct diff_change *change)
{
	if (!change->old_text || !change->new_text)
		return !change->old_text && !change->new_text;
	return change->old_size == change->new_size &&
	       memcmp(change->old_text, change->new_text, change->old_size) == 0;
}

int diff_apply(const struct diff *diff, const struct diff_originals *originals, const char *scratch,
	       struct diff_changes *changes, struct suture_error *err)
{
	cleanup_memory char *log = NULL;
	struct strings names = {0};
	size_t kept = 0;
	int rc = 0;

	if (asprintf(&log, "%s.log", scratch) < 0) {
		log = NULL;
		return error_no_memory(err);
	}
	collect_names(diff, originals->strip, &names);
	changes->list = calloc(names.count + 1, sizeof(*changes->list));
	if (!changes->list || !strings_ok(&names)) {
		rc = error_no_memory(err);
		goto out;
	}
	for (size_t i = 0; i < names.count && !rc; i++) {
		struct diff_change *change = &changes->list[changes->count++];

		change->name = strdup(names.items[i]);
		rc = change->name ? copy_original(change, originals, scratch, err)
				  : error_no_memory(err);
	}
	if (!rc)
		rc = originals->reverse ? unapply(diff, scratch, originals->strip, log, err)
					: apply(diff, scratch, originals->strip, log, err);
	for (size_t i = 0; i < changes->count && !rc; i++)
		rc = compare(&changes->list[i], originals->state, scratch, err);
	for (size_t i = 0; i < changes->count && !rc; i++) {
		struct diff_change change = changes->list[i];

		if (unchanged(&change))
			change_fini(&change);
		else
			changes->list[kept++] = change;
	}
	if (!rc)
		changes->count = kept;
out:
	strings_fini(&names);
	return rc;
}

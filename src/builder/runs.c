/* SPDX-License-Identifier: MIT */
/* Runs of the compiler; see runs.h. */
#include "builder/runs.h"

#include "builder/deps.h"
#include "builder/objcache.h"
#include "builder/path.h"
#include "builder/precompiled.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>

enum { DEPS_SIZE_MAX = 1 << 30 };

static const char variant_letters[] = "vopn";

void runs_fini(struct runs *runs)
{
	for (size_t i = 0; i < runs->count; i++) {
		strings_fini(&runs->list[i].argv);
		free(runs->list[i].directory);
		free(runs->list[i].out);
		free(runs->list[i].log);
	}
	free(runs->list);
	free(runs->jobs);
	*runs = (struct runs){0};
}

int runs_init(struct runs *runs, const struct compile_options *options, size_t room,
	      struct suture_error *err)
{
	*runs = (struct runs){.options = options};
	runs->list = calloc(room + 1, sizeof(*runs->list));
	runs->jobs = calloc(room + 1, sizeof(*runs->jobs));
	return runs->list && runs->jobs ? 0 : error_no_memory(err);
}

int runs_add(struct runs *runs, struct compile_unit *unit, size_t index, enum variant variant,
	     enum command_purpose purpose, struct suture_error *err)
{
	const struct compile_options *options = runs->options;
	struct run *run = &runs->list[runs->count];
	struct process_job *job = &runs->jobs[runs->count++];
	const struct overlay *view = variant >= VARIANT_P ? options->patched : options->before;
	const char *suffix = purpose == COMMAND_PREPROCESS ? "i"
			     : purpose == COMMAND_CODE	   ? "code.o"
							   : "o";
	int rc;

	run->unit = unit;
	run->variant = variant;
	run->purpose = purpose;
	if (asprintf(&run->out, "%s/%zu.%c.%s", options->work_dir, index, variant_letters[variant],
		     suffix) < 0)
		run->out = NULL;
	if (!run->out || asprintf(&run->log, "%s.log", run->out) < 0)
		run->log = NULL;
	if (!run->out || !run->log)
		return error_no_memory(err);
	rc = command_make(&unit->command, purpose, view, run->out, &run->argv, &run->directory,
			  err);
	if (rc)
		return rc;
	/* Behind all others: it can't hide a header that the unit has found so far. */
	if (variant >= VARIANT_P && options->include_dir) {
		strings_add(&run->argv, "-idirafter");
		strings_add(&run->argv, options->include_dir);
		if (!strings_ok(&run->argv))
			return error_no_memory(err);
	}
	*job = (struct process_job){.argv = &run->argv,
				    .directory = run->directory,
				    .error_path = run->log,
				    .environment = &unit->command.environment,
				    .user = run};
	return 0;
}

void runs_lighten(struct runs *runs)
{
	struct run *run = &runs->list[runs->count - 1];

	/* clang tracks no variables. */
	run->lightened = !command_is_clang(&run->unit->command);
}

static void say(struct runs *runs, const struct run *run)
{
	static const char *const what[] = {"as built", "original", "patched", "patched"};

	runs->finished++;
	if (runs->options->progress)
		runs->options->progress(what[run->variant], run->unit->name, runs->finished,
					runs->count, runs->options->context);
}

/* The key of what a run makes; false where it is not to be kept. */
static bool key_of(const struct runs *runs, const struct run *run, char key[HASH_TEXT_SIZE])
{
	const struct compile_options *options = runs->options;
	const struct compile_unit *unit = run->unit;
	bool patched = run->variant >= VARIANT_P;
	const struct overlay *view = patched ? options->patched : options->before;

	if (!options->cache_dir || run->purpose == COMMAND_PREPROCESS ||
	    run->variant == VARIANT_PLAIN || unit->escape)
		return false;
	return objcache_key(&run->argv, &unit->command.environment, run->directory, run->out,
			    view ? view->top : NULL,
			    patched ? unit->patched_text : unit->original_text, key);
}

/* Kept at once: a build that is interrupted has not worked for nothing. */
static void finish(struct process_job *job, void *context)
{
	struct runs *runs = context;
	const struct run *run = job->user;
	char key[HASH_TEXT_SIZE];

	if (process_succeeded(job) && key_of(runs, run, key))
		objcache_keep(runs->options->cache_dir, key, run->out);
	say(context, run);
}

static bool take_cached(const struct runs *runs, const struct run *run)
{
	char key[HASH_TEXT_SIZE];

	return key_of(runs, run, key) && objcache_take(runs->options->cache_dir, key, run->out);
}

/* The run with less in its command, after what has more was not found. */
static int make_light(const struct runs *runs, struct run *run, struct suture_error *err)
{
	strings_fini(&run->argv);
	free(run->directory);
	run->directory = NULL;
	run->purpose = COMMAND_ORIGINAL;
	run->unit->o_light = true;
	return command_make(&run->unit->command, run->purpose, runs->options->before, run->out,
			    &run->argv, &run->directory, err);
}

/* Sets `cached` of all runs. */
static int look_up(struct runs *runs, struct suture_error *err)
{
	for (size_t i = 0; i < runs->count; i++) {
		struct run *run = &runs->list[i];
		int rc;

		run->cached = take_cached(runs, run);
		if (run->cached || !run->lightened)
			continue;
		rc = make_light(runs, run, err);
		if (rc)
			return rc;
		runs->jobs[i].directory = run->directory;
		run->cached = take_cached(runs, run);
	}
	return 0;
}

int runs_start(struct runs *runs, struct suture_error *err)
{
	struct process_job *jobs = calloc(runs->count + 1, sizeof(*jobs));
	size_t count = 0;
	int rc;

	if (!jobs)
		return error_no_memory(err);
	rc = look_up(runs, err);
	if (rc) {
		free(jobs);
		return rc;
	}
	for (size_t i = 0; i < runs->count; i++) {
		struct run *run = &runs->list[i];

		if (run->cached)
			say(runs, run);
		else
			jobs[count++] = runs->jobs[i];
		run->unit->compiled |= !run->cached && run->purpose != COMMAND_PREPROCESS;
	}
	rc = process_run(jobs, count, runs->options->parallel, finish, runs, err);
	for (size_t i = 0, at = 0; i < runs->count; i++) {
		struct run *run = &runs->list[i];

		if (!run->cached)
			runs->jobs[i].status = jobs[at++].status;
	}
	free(jobs);
	return rc;
}

int runs_files_read(const struct run *run, struct strings *files, struct suture_error *err)
{
	cleanup_memory char *path = NULL;
	cleanup_memory uint8_t *text = NULL;
	size_t size;
	int rc;

	if (asprintf(&path, "%s.d", run->out) < 0) {
		path = NULL;
		return error_no_memory(err);
	}
	rc = file_read(path, DEPS_SIZE_MAX, &text, &size, err);
	if (rc)
		return rc;
	deps_parse_make((const char *)text, size, files);
	return strings_ok(files) ? 0 : error_no_memory(err);
}

/* True when the diff touches more than the unit's own source. */
static bool others_edited(const struct compile_unit *unit, const struct strings *edited)
{
	cleanup_memory char *own = path_real("/", unit->entry->file);

	for (size_t i = 0; i < edited->count; i++)
		if (!own || strcmp(edited->items[i], own) != 0)
			return true;
	return false;
}

int runs_find_escape(const struct run *run, const struct compile_options *options,
		     struct suture_error *err)
{
	struct strings files = {0};
	int rc = runs_files_read(run, &files, err);

	free(run->unit->escape);
	run->unit->escape = NULL;
	for (size_t i = 0; i < files.count && !rc && !run->unit->escape; i++) {
		for (size_t j = 0; j < options->edited->count; j++) {
			const char *edited = options->edited->items[j];
			cleanup_memory char *real = NULL;

			if (strcmp(path_base(edited), path_base(files.items[i])) != 0)
				continue;
			real = path_real(run->directory, files.items[i]);
			if ((!real || strcmp(real, edited) == 0))
				run->unit->escape = strdup(edited);
		}
	}
	if (!rc && !run->unit->escape && others_edited(run->unit, options->edited) &&
	    precompiled_hides(run->unit->entry, &run->unit->command, &files))
		run->unit->escape = strdup(run->unit->entry->file);
	strings_fini(&files);
	return rc;
}

/* SPDX-License-Identifier: MIT */
/* Compilations; see compile.h. */
#include "builder/compile.h"

#include "builder/path.h"
#include "builder/runs.h"

#include "base/error.h"
#include "base/file.h"

#include <elf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { OUTPUT_SIZE_MAX = 1 << 30, WORDS_MAX = 4000 };

void compile_unit_fini(struct compile_unit *unit)
{
	command_fini(&unit->command);
	free(unit->name);
	free(unit->escape);
	free(unit->layers);
	free(unit->v_path);
	free(unit->o_path);
	free(unit->p_path);
	free(unit->o_described);
	free(unit->p_described);
	*unit = (struct compile_unit){0};
}

const char *compile_unit_before(const struct compile_unit *unit)
{
	return unit->layer_count ? unit->layers[unit->layer_count - 1].path : unit->o_path;
}

const char *compile_unit_described(const struct compile_unit *unit, const char *path)
{
	if (path == unit->o_path && unit->o_described)
		return unit->o_described;
	return path == unit->p_path && unit->p_described ? unit->p_described : path;
}

static bool is_newer(const struct timespec *left, const struct timespec *right)
{
	return left->tv_sec > right->tv_sec ||
	       (left->tv_sec == right->tv_sec && left->tv_nsec > right->tv_nsec);
}

/*
 * An object of the build tree says nothing about sources that were edited after it was made: then V
 * has to be compiled from them. `run` is the unit's O, which read the same files.
 */
static int check_reused(const struct run *run, struct suture_error *err)
{
	struct compile_unit *unit = run->unit;
	struct strings files = {0};
	struct stat object, file;
	int rc;

	if (!unit->v_reused)
		return 0;
	rc = runs_files_read(run, &files, err);
	if (stat(unit->v_path, &object) < 0)
		unit->v_stale = true;
	for (size_t i = 0; i < files.count && !rc && !unit->v_stale; i++) {
		cleanup_memory char *path = path_join(run->directory, files.items[i]);

		if (!path)
			rc = error_no_memory(err);
		else if (stat(path, &file) < 0 ||
			 (S_ISREG(file.st_mode) && is_newer(&file.st_mtim, &object.st_mtim)))
			unit->v_stale = true;
	}
	strings_fini(&files);
	return rc;
}

/* "FILE:LINE:COLUMN: error: …": the first one in the text. */
static bool find_place(char *text, char **file, unsigned *line)
{
	char *rest = text;
	char *at;

	while ((at = strsep(&rest, "\n"))) {
		char *error = strstr(at, "error: ");
		char *colon = strchr(at, ':');
		unsigned long number = colon ? strtoul(colon + 1, NULL, 10) : 0;

		if (!error || !colon || colon > error || !number)
			continue;
		*file = strndup(at, (size_t)(colon - at));
		*line = (unsigned)number;
		return *file != NULL;
	}
	return false;
}

/* At the end of a line, since a line may be of any language. */
static void cut_words(char *text)
{
	size_t end = WORDS_MAX;

	while (end && text[end] != '\n')
		end--;
	strcpy(text + end, end ? "\n…" : "…");
}

/* Takes the view's folder out of what the compiler says. */
static char *read_words(const struct run *run, const struct compile_options *options)
{
	cleanup_memory uint8_t *data = NULL;
	const struct overlay *view = run->variant < VARIANT_P ? options->before : options->patched;
	const char *top = view ? view->top : NULL;
	size_t size = 0, length = top ? strlen(top) : 0;
	char *text, *at;

	if (file_read(run->log, OUTPUT_SIZE_MAX, &data, &size, NULL))
		return strdup("");
	text = strndup((char *)data, size);
	for (at = text; at && top && (at = strstr(at, top));)
		memmove(at, at + length, strlen(at + length) + 1);
	if (text && strlen(text) > WORDS_MAX)
		cut_words(text);
	size = text ? strlen(text) : 0;
	while (size && text[size - 1] == '\n')
		text[--size] = '\0';
	return text;
}

static int refuse(const struct runs *runs, size_t index, struct refusals *refusals,
		  struct suture_error *err)
{
	const struct run *run = &runs->list[index];
	cleanup_memory char *words = read_words(run, runs->options);
	cleanup_memory char *copy = words ? strdup(words) : NULL;
	cleanup_memory char *file = NULL;
	unsigned line = 0;

	if (!words || !copy)
		return error_no_memory(err);
	if (runs->jobs[index].status == 127 << 8 && !*words) {
		refusals_add(refusals, SUTURE_E_COMPILE_FAILED, run->unit->entry->file, 0,
			     "install the compiler that the binary was built with",
			     "%s: the compiler %s can't be run", run->unit->name,
			     run->argv.items[0]);
		return 0;
	}
	find_place(copy, &file, &line);
	refusals_add(
		refusals, SUTURE_E_COMPILE_FAILED, file ? file : run->unit->entry->file, line,
		run->variant == VARIANT_P || run->variant == VARIANT_PLAIN
			? "correct the patched source"
			: "build the tree first: the original source does not compile as it is",
		"%s does not compile%s\n%s", run->unit->name,
		run->variant < VARIANT_P ? "" : " with the diff", words);
	return 0;
}

static char **path_slot(const struct run *run)
{
	switch (run->variant) {
	case VARIANT_V:
		return &run->unit->v_path;
	case VARIANT_O:
		return &run->unit->o_path;
	default:
		return &run->unit->p_path;
	}
}

/* What was compiled with -g describes what is compiled without. */
static void set_aside(const struct run *run, char **slot)
{
	char **described =
		run->variant == VARIANT_O ? &run->unit->o_described : &run->unit->p_described;

	free(*described);
	*described = *slot;
	*slot = NULL;
}

static int take_results(const struct runs *runs, struct refusals *refusals,
			struct suture_error *err)
{
	for (size_t i = 0; i < runs->count; i++) {
		struct run *run = &runs->list[i];
		char **slot = path_slot(run);

		if (!run->out) /* a retry took its place */
			continue;
		if (!process_succeeded(&runs->jobs[i])) {
			int rc = run->unit->refused ? 0 : refuse(runs, i, refusals, err);

			run->unit->refused = true;

			if (rc)
				return rc;
			continue;
		}
		if (run->cached) {
			/* What it would have read was looked at when it was preprocessed. */
		} else if (run->variant >= VARIANT_P) {
			int rc = runs_find_escape(run, runs->options, err);

			if (rc)
				return rc;
		} else if (run->variant == VARIANT_O) {
			int rc = check_reused(run, err);

			if (rc)
				return rc;
		}
		if (run->purpose == COMMAND_CODE)
			set_aside(run, slot);
		free(*slot);
		*slot = run->out;
		run->out = NULL;
		run->unit->unnumbered |= run->variant == VARIANT_PLAIN;
	}
	return 0;
}

/* P that did not compile, where O did. */
static bool wants_retry(const struct runs *runs, size_t index)
{
	if (runs->list[index].variant != VARIANT_P || process_succeeded(&runs->jobs[index]))
		return false;
	for (size_t i = 0; i < runs->count; i++)
		if (runs->list[i].unit == runs->list[index].unit &&
		    runs->list[i].variant == VARIANT_O && !process_succeeded(&runs->jobs[i]))
			return false;
	return true;
}

/*
 * A patched unit that did not compile is tried without #line directives. The messages then have the
 * line numbers of the patched file; a unit that compiles now can't be compared, and is refused.
 */
static int retry_plain(struct runs *failed, struct refusals *refusals, struct suture_error *err)
{
	struct runs runs;
	bool any = false;
	int rc;

	for (size_t i = 0; i < failed->count; i++)
		any |= wants_retry(failed, i);
	if (!any)
		return 0;
	rc = failed->options->unnumber(failed->options->context, err);
	if (rc)
		return rc;
	rc = runs_init(&runs, failed->options, failed->count, err);
	for (size_t i = 0; i < failed->count && !rc; i++) {
		if (!wants_retry(failed, i))
			continue;
		rc = runs_add(&runs, failed->list[i].unit, i, VARIANT_PLAIN, COMMAND_COMPARE, err);
		failed->jobs[i].status = 0;
		free(failed->list[i].out);
		failed->list[i].out = NULL;
	}
	if (!rc)
		rc = runs_start(&runs, err);
	if (!rc)
		rc = take_results(&runs, refusals, err);
	runs_fini(&runs);
	return rc;
}

int compile_as_built(const struct compile_options *options, struct compile_unit *units,
		     size_t count, const bool *wanted, struct suture_error *err)
{
	struct refusals unsaid = {0}; /* one that doesn't compile is no candidate */
	struct runs runs;
	int rc = runs_init(&runs, options, count, err);

	for (size_t i = 0; i < count && !rc; i++)
		if (wanted[i] && !units[i].command.is_lto)
			rc = runs_add(&runs, &units[i], i, VARIANT_V, COMMAND_VERIFY, err);
	if (!rc)
		rc = runs_start(&runs, err);
	if (!rc)
		rc = take_results(&runs, &unsaid, err);
	for (size_t i = 0; i < count; i++)
		units[i].refused = false;
	refusals_fini(&unsaid);
	runs_fini(&runs);
	return rc;
}

/* The object file that a command made. libtool's -o names a text that stands for two of them. */
static char *made_object(const struct compdb_entry *entry)
{
	const char *output = entry->output;
	const char *base = output ? path_base(output) : "";
	const char *dot = strrchr(base, '.');
	char *object;

	if (!output || !dot || strcmp(dot, ".lo") != 0)
		return output ? strdup(output) : NULL;
	if (asprintf(&object, "%.*s.libs/%.*s.o", (int)(base - output), output, (int)(dot - base),
		     base) < 0)
		return NULL;
	return object;
}

static bool is_elf(const char *path)
{
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
	char magic[SELFMAG];

	return fd >= 0 && read(fd, magic, SELFMAG) == SELFMAG &&
	       memcmp(magic, ELFMAG, SELFMAG) == 0;
}

char *compile_built_object(const struct compdb_entry *entry)
{
	char *object = made_object(entry);

	if (object && is_elf(object))
		return object;
	free(object);
	return NULL;
}

/*
 * V is the object of the build tree where there is one. Nothing is taken on trust: it has to equal
 * the binary, and what is compiled from the sources has to equal it (original.h). Where either
 * fails, V is compiled after all: compile_again().
 */
static bool reuse_object(struct compile_unit *unit)
{
	if (unit->v_path || unit->command.is_lto)
		return false;
	unit->v_path = compile_built_object(unit->entry);
	unit->v_reused = unit->v_path != NULL;
	return unit->v_reused;
}

/* Nothing is patched: what is compared is O with itself, which has to be equal. */
static int stand_in(struct compile_unit *units, size_t count, struct suture_error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct compile_unit *unit = &units[i];

		if (unit->skipped || unit->p_path || !unit->o_path)
			continue;
		unit->p_path = strdup(unit->o_path);
		if (!unit->p_path)
			return error_no_memory(err);
	}
	return 0;
}

int compile_set_apart(const struct compile_options *options, struct compile_unit *units,
		      size_t count, const bool *wanted, struct refusals *refusals,
		      struct suture_error *err)
{
	struct runs runs;
	int rc = runs_init(&runs, options, 2 * count, err);

	for (size_t i = 0; i < count && !rc; i++) {
		if (!wanted[i])
			continue;
		if (units[i].o_path)
			rc = runs_add(&runs, &units[i], i, VARIANT_O, COMMAND_CODE, err);
		if (!rc && units[i].p_path && options->patched)
			rc = runs_add(&runs, &units[i], i, VARIANT_P, COMMAND_CODE, err);
	}
	if (!rc)
		rc = runs_start(&runs, err);
	if (!rc)
		rc = take_results(&runs, refusals, err);
	runs_fini(&runs);
	for (size_t i = 0; i < count && !options->patched; i++) {
		if (!wanted[i])
			continue;
		free(units[i].p_described);
		units[i].p_described = units[i].p_path;
		units[i].p_path = NULL;
	}
	return rc || options->patched ? rc : stand_in(units, count, err);
}

static int compile_verify(const struct compile_options *options, struct compile_unit *units,
			  size_t count, bool stale_only, struct refusals *refusals,
			  struct suture_error *err)
{
	struct runs runs;
	int rc = runs_init(&runs, options, count, err);

	for (size_t i = 0; i < count && !rc; i++) {
		if (!units[i].v_reused || (stale_only && !units[i].v_stale))
			continue;
		units[i].v_reused = false;
		rc = runs_add(&runs, &units[i], i, VARIANT_V, COMMAND_VERIFY, err);
	}
	if (!rc)
		rc = runs_start(&runs, err);
	if (!rc)
		rc = take_results(&runs, refusals, err);
	runs_fini(&runs);
	return rc;
}

static bool same_file(const char *left, const char *right)
{
	cleanup_memory uint8_t *a = NULL;
	cleanup_memory uint8_t *b = NULL;
	size_t a_size, b_size;

	return !file_read(left, OUTPUT_SIZE_MAX, &a, &a_size, NULL) &&
	       !file_read(right, OUTPUT_SIZE_MAX, &b, &b_size, NULL) && a_size == b_size &&
	       memcmp(a, b, a_size) == 0;
}

/*
 * V of the units that only include what is edited. Most of them come out of the compiler as they
 * were, to the last byte of debug information (a declaration was added): those need none.
 */
static int compile_left_out(const struct compile_options *options, struct compile_unit *units,
			    size_t count, struct refusals *refusals, struct suture_error *err)
{
	struct runs runs;
	int rc = runs_init(&runs, options, count, err);

	for (size_t i = 0; i < count && !rc; i++) {
		struct compile_unit *unit = &units[i];

		if (unit->skipped || unit->edited || unit->added || unit->removed || !unit->o_path)
			continue;
		/* What a patch below made of it may have things that this one is first to need. */
		unit->skipped = !options->skip_nothing && !unit->layer_count && unit->p_path &&
				!unit->escape && !unit->unnumbered &&
				same_file(unit->o_path, unit->p_path);
		if (!unit->skipped && !unit->v_path && !reuse_object(unit))
			rc = runs_add(&runs, unit, i, VARIANT_V, COMMAND_VERIFY, err);
	}
	if (!rc)
		rc = runs_start(&runs, err);
	if (!rc)
		rc = take_results(&runs, refusals, err);
	runs_fini(&runs);
	return rc;
}

/*
 * O. One that may come out as P does to the last byte, or stands for it, has to have all that P
 * has; that of an edited source may have less.
 */
static int add_original(struct runs *runs, struct compile_unit *unit, size_t index,
			struct suture_error *err)
{
	int rc = runs_add(runs, unit, index, VARIANT_O, COMMAND_COMPARE, err);

	if (!rc && unit->edited && runs->options->patched)
		runs_lighten(runs);
	return rc;
}

int compile_all(const struct compile_options *options, struct compile_unit *units, size_t count,
		struct refusals *refusals, struct suture_error *err)
{
	struct runs runs;
	int rc = runs_init(&runs, options, 3 * count, err);

	for (size_t i = 0; i < count && !rc; i++) {
		struct compile_unit *unit = &units[i];

		if (unit->skipped)
			continue;
		/* What does not compile as it is says so first. */
		if (!unit->added && !unit->o_path)
			rc = add_original(&runs, unit, i, err);
		if (!rc && unit->edited && !unit->added && !unit->v_path && !reuse_object(unit))
			rc = runs_add(&runs, unit, i, VARIANT_V, COMMAND_VERIFY, err);
		if (!rc && !unit->removed && options->patched)
			rc = runs_add(&runs, unit, i, VARIANT_P, COMMAND_COMPARE, err);
	}
	if (!rc)
		rc = runs_start(&runs, err);
	if (!rc)
		rc = retry_plain(&runs, refusals, err);
	if (!rc)
		rc = take_results(&runs, refusals, err);
	runs_fini(&runs);
	if (!rc && !options->patched)
		rc = stand_in(units, count, err);
	if (!rc)
		rc = compile_left_out(options, units, count, refusals, err);
	return rc ? rc : compile_verify(options, units, count, true, refusals, err);
}

int compile_patched_again(const struct compile_options *options, struct compile_unit *units,
			  size_t count, struct refusals *refusals, struct suture_error *err)
{
	struct runs runs;
	int rc = runs_init(&runs, options, count, err);

	for (size_t i = 0; i < count && !rc; i++)
		if (!units[i].skipped && !units[i].removed)
			rc = runs_add(&runs, &units[i], i, VARIANT_P, COMMAND_COMPARE, err);
	if (!rc)
		rc = runs_start(&runs, err);
	if (!rc)
		rc = retry_plain(&runs, refusals, err);
	if (!rc)
		rc = take_results(&runs, refusals, err);
	runs_fini(&runs);
	return rc;
}

int compile_again(const struct compile_options *options, struct compile_unit *units, size_t count,
		  struct refusals *refusals, struct suture_error *err)
{
	struct runs runs;
	int rc = runs_init(&runs, options, count, err);

	for (size_t i = 0; i < count && !rc; i++) {
		if (!units[i].o_light)
			continue;
		units[i].o_light = false;
		rc = runs_add(&runs, &units[i], i, VARIANT_O, COMMAND_COMPARE, err);
	}
	if (!rc)
		rc = runs_start(&runs, err);
	if (!rc)
		rc = take_results(&runs, refusals, err);
	runs_fini(&runs);
	return rc ? rc : compile_verify(options, units, count, false, refusals, err);
}

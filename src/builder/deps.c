/* SPDX-License-Identifier: MIT */
/*
 * Affected units; see deps.h. Thousands of names are looked at: a file's last component is compared
 * first, and only what agrees is resolved on disk.
 */
#include "builder/deps.h"

#include "builder/command.h"
#include "builder/mentions.h"
#include "builder/path.h"
#include "builder/precompiled.h"
#include "builder/process.h"

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"

#include <string.h>

enum { DEPS_SIZE_MAX = 1 << 30 };

/* The files of the diff that matter here. */
struct edited {
	const struct diff_change *change;
	char *real; /* owned */
	bool named; /* somebody may include it */
};

struct search {
	const struct deps_options *options;
	const struct compdb *db;
	const bool *wanted; /* per entry */
	struct edited *edited;
	size_t count;
	enum deps_reach *reach;
	bool *known;	     /* per entry: its dependencies have been looked at */
	struct strings *all; /* deps_list(): takes every file; else NULL */
};

void deps_parse_make(const char *text, size_t size, struct strings *files)
{
	struct bytes word = {0};
	bool prerequisites = false;

	for (size_t i = 0; i <= size; i++) {
		char byte = i < size ? text[i] : '\n';
		char next = i + 1 < size ? text[i + 1] : '\n';
		bool ends = false, line_ends = false;

		if (byte == '\\' && (next == '\n' || next == '\r')) {
			ends = true;
			i += next == '\r' && i + 2 < size && text[i + 2] == '\n' ? 2 : 1;
		} else if ((byte == '\\' && strchr(" #\\:", next) && i + 1 < size) ||
			   (byte == '$' && next == '$')) {
			bytes_add(&word, &text[++i], 1);
			continue;
		} else if (byte == ':' && strchr(" \t\r\n\\", next) && !prerequisites) {
			prerequisites = true;
			word.size = 0;
			continue;
		} else if (byte == '\n' || byte == '\r') {
			ends = line_ends = true;
		} else if (byte == ' ' || byte == '\t') {
			ends = true;
		}
		if (!ends) {
			bytes_add(&word, &byte, 1);
			continue;
		}
		if (word.size && prerequisites)
			strings_add_part(files, (const char *)word.data, word.size);
		if (prerequisites || line_ends)
			word.size = 0;
		if (line_ends)
			prerequisites = false;
	}
	files->failed |= !bytes_ok(&word);
	bytes_fini(&word);
}

/* True when the name, seen from the folder, is a file that the diff touches. */
static bool is_edited(const struct search *search, const char *folder, const char *name)
{
	for (size_t i = 0; i < search->count; i++) {
		const struct edited *edited = &search->edited[i];
		cleanup_memory char *real = NULL;

		if (strcmp(path_base(name), path_base(edited->change->path)) != 0 &&
		    strcmp(path_base(name), path_base(edited->real)) != 0)
			continue;
		if (!edited->change->old_text)
			return true;
		real = path_real(folder, name);
		if (!real || strcmp(real, edited->real) == 0)
			return true;
	}
	return false;
}

/* Of the headers in a precompiled one nothing is said: the compiler has to be asked. */
static bool hides(const struct search *search, size_t entry, const struct strings *files)
{
	struct command command;
	bool hidden = !command_init(&command, &search->db->entries[entry], NULL) &&
		      precompiled_hides(&search->db->entries[entry], &command, files);

	command_fini(&command);
	return hidden;
}

static void look_at(struct search *search, size_t entry, const char *folder,
		    const struct strings *files)
{
	search->known[entry] = !hides(search, entry, files);
	for (size_t i = 0; search->all && i < files->count; i++)
		strings_take(search->all, path_real(folder, files->items[i]));
	if (search->all || search->reach[entry] != DEPS_NONE)
		return;
	for (size_t i = 0; i < files->count; i++) {
		if (is_edited(search, folder, files->items[i])) {
			search->reach[entry] = DEPS_INCLUDED;
			return;
		}
	}
}

static int look_at_file(struct search *search, size_t entry, const char *path,
			struct suture_error *err)
{
	cleanup_memory uint8_t *text = NULL;
	struct strings files = {0};
	size_t size;

	if (file_read(path, DEPS_SIZE_MAX, &text, &size, NULL))
		return 0;
	deps_parse_make((const char *)text, size, &files);
	if (!strings_ok(&files)) {
		strings_fini(&files);
		return error_no_memory(err);
	}
	if (files.count)
		look_at(search, entry, search->db->entries[entry].directory, &files);
	strings_fini(&files);
	return 0;
}

/* The .d file of an entry: where the command says, else where makers of build files put it. */
static int try_make_file(struct search *search, size_t entry, struct suture_error *err)
{
	const struct compdb_entry *from = &search->db->entries[entry];
	struct command command;
	cleanup_memory char *beside = NULL;
	cleanup_memory char *instead = NULL;
	const char *dot;
	int rc = 0;

	/* A command that can't be read is reported when the unit has to be compiled. */
	if (!command_init(&command, from, NULL) && command.dep_file)
		rc = look_at_file(search, entry, command.dep_file, err);
	command_fini(&command);
	if (rc || search->known[entry] || !from->output)
		return rc;
	dot = strrchr(path_base(from->output), '.');
	if (asprintf(&beside, "%s.d", from->output) < 0)
		beside = NULL;
	if (asprintf(&instead, "%.*s.d",
		     (int)(dot ? (size_t)(dot - from->output) : strlen(from->output)),
		     from->output) < 0)
		instead = NULL;
	if (!beside || !instead)
		return error_no_memory(err);
	rc = look_at_file(search, entry, beside, err);
	return rc || search->known[entry] ? rc : look_at_file(search, entry, instead, err);
}

/* One block of `ninja -t deps`: "object: #deps N, …", then indented names. */
static void look_at_ninja_block(struct search *search, const char *object,
				const struct strings *files)
{
	const char *build_dir = search->options->build_dir;
	cleanup_memory char *path = path_absolute(build_dir, object);

	for (size_t i = 0; path && i < search->db->count; i++) {
		const char *output = search->db->entries[i].output;

		/* The log is of the whole tree: other programs' units are in it, too. */
		if (output && search->wanted[i] && !search->known[i] && strcmp(output, path) == 0)
			look_at(search, i, build_dir, files);
	}
}

static void parse_ninja(struct search *search, char *text)
{
	struct strings files = {0};
	const char *object = NULL;
	char *rest = text;
	char *line;

	while ((line = strsep(&rest, "\n"))) {
		char *colon = strstr(line, ": #deps ");

		if (*line == ' ') {
			strings_add(&files, line + strspn(line, " "));
			continue;
		}
		if (object)
			look_at_ninja_block(search, object, &files);
		strings_fini(&files);
		object = NULL;
		/* What ninja calls STALE is older than the object: no proof of anything. */
		if (colon && strstr(colon, "(VALID)")) {
			*colon = '\0';
			object = line;
		}
	}
	if (object)
		look_at_ninja_block(search, object, &files);
	strings_fini(&files);
}

static int try_ninja(struct search *search, struct suture_error *err)
{
	cleanup_memory char *log = path_join(search->options->build_dir, ".ninja_deps");
	cleanup_memory char *out = path_join(search->options->work_dir, "ninja-deps");
	cleanup_memory uint8_t *data = NULL;
	cleanup_memory char *text = NULL;
	struct strings argv = {0};
	struct process_job job = {
		.argv = &argv, .directory = search->options->build_dir, .out_path = out};
	size_t size;
	int rc;

	if (!log || !out)
		return error_no_memory(err);
	if (!path_exists(log))
		return 0;
	strings_add(&argv, "ninja");
	strings_add(&argv, "-t");
	strings_add(&argv, "deps");
	rc = strings_ok(&argv) ? process_run(&job, 1, 1, NULL, NULL, err) : error_no_memory(err);
	strings_fini(&argv);
	if (rc || !process_succeeded(&job) || file_read(out, DEPS_SIZE_MAX, &data, &size, NULL))
		return rc;
	text = strndup((char *)data, size);
	if (!text)
		return error_no_memory(err);
	parse_ninja(search, text);
	return 0;
}

/* True when an edited file's name stands in the unit's own text, or is no unit by itself. */
static bool worth_asking(const struct search *search, size_t entry)
{
	cleanup_memory uint8_t *text = NULL;
	size_t size = 0;

	if (search->all)
		return true;
	for (size_t i = 0; i < search->count; i++)
		if (search->edited[i].named && !path_is_source(search->edited[i].real))
			return true;
	if (file_read(search->db->entries[entry].file, DEPS_SIZE_MAX, &text, &size, NULL))
		return true;
	for (size_t i = 0; i < search->count; i++) {
		const char *base = path_base(search->edited[i].real);

		if (memmem(text, size, base, strlen(base)))
			return true;
	}
	return false;
}

struct question {
	size_t entry;
	struct strings argv;
	struct strings environment;
	char *directory;
	char *out;
};

static int prepare_question(const struct search *search, size_t entry, struct question *question,
			    struct suture_error *err)
{
	struct command command;
	int rc;

	question->entry = entry;
	if (asprintf(&question->out, "%s/deps-%zu", search->options->work_dir, entry) < 0) {
		question->out = NULL;
		return error_no_memory(err);
	}
	rc = command_init(&command, &search->db->entries[entry], err);
	if (!rc)
		rc = command_make(&command, COMMAND_DEPEND, NULL, question->out, &question->argv,
				  &question->directory, err);
	if (!rc)
		strings_add_all(&question->environment, &command.environment);
	if (!rc && !strings_ok(&question->environment))
		rc = error_no_memory(err);
	command_fini(&command);
	return rc;
}

/* The compiler is asked for what is left; a unit that it can't read counts as reached. */
static int ask_compiler(struct search *search, struct suture_error *err)
{
	struct question *questions = calloc(search->db->count + 1, sizeof(*questions));
	struct process_job *jobs = calloc(search->db->count + 1, sizeof(*jobs));
	size_t count = 0;
	int rc = 0;

	if (!questions || !jobs)
		rc = error_no_memory(err);
	for (size_t i = 0; i < search->db->count && !rc; i++) {
		struct question *question = &questions[count];

		if (!search->wanted[i] || search->known[i] || search->reach[i] != DEPS_NONE ||
		    !worth_asking(search, i))
			continue;
		rc = prepare_question(search, i, question, err);
		jobs[count++] = (struct process_job){.argv = &question->argv,
						     .directory = question->directory,
						     .environment = &question->environment};
	}
	if (!rc)
		rc = process_run(jobs, count, search->options->parallel, NULL, NULL, err);
	for (size_t i = 0; i < count; i++) {
		if (!rc && !process_succeeded(&jobs[i]))
			search->reach[questions[i].entry] = DEPS_INCLUDED;
		else if (!rc)
			rc = look_at_file(search, questions[i].entry, questions[i].out, err);
		free(questions[i].directory);
		free(questions[i].out);
		strings_fini(&questions[i].argv);
		strings_fini(&questions[i].environment);
	}
	free(questions);
	free(jobs);
	return rc;
}

/* A script or a text among the sources is rarely included; then no compiler has to be asked. */
static bool is_named(const struct search *search, const struct edited *edited)
{
	const char *name = path_base(edited->change->path);

	return mentions_expected(edited->real) || !search->options->root ||
	       mentions_any(search->options->root, name) ||
	       (!path_inside(search->options->build_dir, search->options->root) &&
		mentions_any(search->options->build_dir, name));
}

static int collect_edited(struct search *search, const struct diff_changes *changes,
			  struct suture_error *err)
{
	search->edited = calloc(changes->count + 1, sizeof(*search->edited));
	if (!search->edited)
		return error_no_memory(err);
	for (size_t i = 0; i < changes->count; i++) {
		struct edited *edited = &search->edited[search->count];

		if (changes->list[i].same_tokens)
			continue;
		edited->change = &changes->list[i];
		edited->real = path_real("/", changes->list[i].path);
		if (!edited->real)
			return error_no_memory(err);
		edited->named = is_named(search, edited);
		search->count++;
	}
	return 0;
}

static void find_sources(struct search *search)
{
	for (size_t i = 0; i < search->db->count; i++) {
		cleanup_memory char *real = NULL;

		if (!search->wanted[i])
			continue;
		real = path_real("/", search->db->entries[i].file);
		for (size_t j = 0; real && j < search->count; j++)
			if (strcmp(real, search->edited[j].real) == 0)
				search->reach[i] = DEPS_SOURCE;
	}
}

/* From what is at hand to what takes longest. */
static int look_everywhere(struct search *search, struct suture_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < search->db->count && !rc; i++)
		if (search->wanted[i] && search->reach[i] == DEPS_NONE)
			rc = try_make_file(search, i, err);
	if (!rc)
		rc = try_ninja(search, err);
	return rc ? rc : ask_compiler(search, err);
}

int deps_find(const struct deps_options *options, const struct compdb *db, const bool *wanted,
	      const struct diff_changes *changes, enum deps_reach *reach, struct suture_error *err)
{
	struct search search = {.options = options, .db = db, .wanted = wanted, .reach = reach};
	int rc;

	memset(reach, 0, db->count * sizeof(*reach));
	search.known = calloc(db->count + 1, sizeof(*search.known));
	rc = search.known ? collect_edited(&search, changes, err) : error_no_memory(err);
	if (!rc && search.count) {
		find_sources(&search);
		rc = look_everywhere(&search, err);
	}
	for (size_t i = 0; i < search.count; i++)
		free(search.edited[i].real);
	free(search.edited);
	free(search.known);
	return rc;
}

int deps_list(const struct deps_options *options, const struct compdb *db, const bool *wanted,
	      struct strings *files, struct suture_error *err)
{
	struct search search = {.options = options, .db = db, .wanted = wanted, .all = files};
	int rc = 0;

	search.known = calloc(db->count + 1, sizeof(*search.known));
	search.reach = calloc(db->count + 1, sizeof(*search.reach));
	if (!search.known || !search.reach)
		rc = error_no_memory(err);
	for (size_t i = 0; i < db->count && !rc; i++)
		if (wanted[i])
			strings_take(files, path_real("/", db->entries[i].file));
	if (!rc)
		rc = look_everywhere(&search, err);
	free(search.known);
	free(search.reach);
	strings_sort(files);
	return rc || strings_ok(files) ? rc : error_no_memory(err);
}

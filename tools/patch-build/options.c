/* SPDX-License-Identifier: MIT */
/* The command line of suture-build, by argp. An option that can't be honoured is refused. */
#include "options.h"

#include "builder/objcache.h"
#include "patch/format.h"

#include "base/error.h"
#include "cli/explain.h"

#include <argp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum key {
	KEY_SOURCE = 256,
	KEY_BINARY,
	KEY_NAME,
	KEY_DESCRIPTION,
	KEY_DATA,
	KEY_ACCEPT_LAYOUT,
	KEY_ON,
	KEY_REPORT,
	KEY_SIGN,
	KEY_BASELINE,
	KEY_LIST_FILES,
	KEY_JSON,
	KEY_COLOR,
	KEY_CACHE,
	KEY_ALL_UNITS,
	KEY_NO_CACHE,
	KEY_PREPARE,
};

static const struct argp_option descriptions[] = {
	{"build-dir", 'C', "BUILD_DIR", 0, "Folder with compile_commands.json (default: .)", 0},
	{"source", KEY_SOURCE, "DIR", 0, "Folder that the diff belongs to (default: found)", 0},
	{"binary", KEY_BINARY, "EXE", 0,
	 "The program or library that runs, exactly; may be repeated: one patch for all of them",
	 0},
	{"output", 'o', "OUT.so", 0, "Where to write the patch (default: NAME.so)", 0},
	{"name", KEY_NAME, "NAME", 0, "What the patch is called (default: from the diff's name)",
	 0},
	{"description", KEY_DESCRIPTION, "TEXT", 0, "One line for `suture list`", 0},
	{"data", KEY_DATA, "VAR=keep|set", 0,
	 "What becomes of a variable whose initial value changes; may be repeated", 0},
	{"accept-layout", KEY_ACCEPT_LAYOUT, "TYPE", 0,
	 "Let this type change its layout: the patch migrates it; may be repeated", 0},
	{"on", KEY_ON, "PATCH.so", 0,
	 "Build on top of a patch that is applied; may be repeated, the lowest first", 0},
	{"baseline", KEY_BASELINE, "DIR", 0,
	 "The sources have the diff in them already: DIR has its files as they were, at their "
	 "absolute paths",
	 0},
	{"list-files", KEY_LIST_FILES, NULL, 0,
	 "Only print the files in the source folder that the binary is made from", 0},
	{"pid", 'p', "PID", 0,
	 "Look at this process as well: is a thread in a function that may never return?", 0},
	{"report", KEY_REPORT, "OUT.html", 0, "Write a review page", 0},
	{"jobs", 'j', "N", 0, "Compilations at a time (default: one per processor)", 0},
	{"sign", KEY_SIGN, "KEY", 0,
	 "Sign with this secret key of minisign: OUT.so.minisig; a password is read from the "
	 "terminal, else "
	 "from standard input",
	 0},
	{"all-units", KEY_ALL_UNITS, NULL, 0,
	 "Verify and compare every unit of the binary, not just those that the diff reaches", 0},
	{"prepare", KEY_PREPARE, NULL, 0,
	 "No DIFF: prove all of the binary to be what the tree makes, and keep what later builds "
	 "compare with",
	 0},
	{"cache", KEY_CACHE, "DIR", 0, "Where objects are kept (default: ~/.cache/suture)", 0},
	{"no-cache", KEY_NO_CACHE, NULL, 0, "Compile everything, keep nothing", 0},
	{"json", KEY_JSON, NULL, 0, "One JSON document on standard output", 0},
	{"quiet", 'q', NULL, 0, "No progress", 0},
	{"verbose", 'v', NULL, 0, "Units and times too", 0},
	{"color", KEY_COLOR, "WHEN", OPTION_ARG_OPTIONAL, "auto, always or never", 0},
	{0},
};

struct reading {
	struct options *options;
	struct suture_error *err;
	int rc;
	int error_at; /* where argp stopped */
};

void options_fini(struct options *options)
{
	for (size_t i = 0; i < options->build.decision_count; i++)
		free(options->variables[i]);
	free(options->variables);
	free(options->decisions);
	free(options->accepted);
	free(options->on);
	free(options->further);
	free(options->cache);
	free(options->include);
	*options = (struct options){0};
}

static int read_decision(struct options *options, const char *argument, struct suture_error *err)
{
	const char *equals = strrchr(argument, '=');
	size_t count = options->build.decision_count;
	struct core_data_decision *decisions;
	char **variables;
	bool set;

	if (!equals || equals == argument)
		return error_set(err, SUTURE_E_USAGE, "--data %s: want VAR=keep or VAR=set",
				 argument);
	set = strcmp(equals + 1, "set") == 0;
	if (!set && strcmp(equals + 1, "keep") != 0)
		return error_set(err, SUTURE_E_USAGE, "--data %s: neither keep nor set", argument);
	decisions = reallocarray(options->decisions, count + 1, sizeof(*decisions));
	if (decisions)
		options->decisions = decisions;
	variables = reallocarray(options->variables, count + 1, sizeof(*variables));
	if (variables)
		options->variables = variables;
	if (!decisions || !variables)
		return error_no_memory(err);
	variables[count] = strndup(argument, (size_t)(equals - argument));
	if (!variables[count])
		return error_no_memory(err);
	decisions[count] = (struct core_data_decision){
		.variable = variables[count],
		.policy = set ? CORE_DATA_SET : CORE_DATA_KEEP,
	};
	options->build.decisions = decisions;
	options->build.decision_count++;
	return 0;
}

/* Appends to an owned array of borrowed texts. */
static int append(const char ***list, size_t *count, const char *argument, struct suture_error *err)
{
	const char **grown = reallocarray(*list, *count + 1, sizeof(**list));

	if (!grown)
		return error_no_memory(err);
	grown[(*count)++] = argument;
	*list = grown;
	return 0;
}

static int read_accepted(struct options *options, const char *argument, struct suture_error *err)
{
	int rc = append(&options->accepted, &options->build.accepted_count, argument, err);

	options->build.accepted_types = options->accepted;
	return rc;
}

static int read_on(struct options *options, const char *argument, struct suture_error *err)
{
	int rc = append(&options->on, &options->build.on_count, argument, err);

	options->build.on = options->on;
	return rc;
}

static int read_binary(struct options *options, const char *argument, struct suture_error *err)
{
	int rc;

	if (!options->build.binary) {
		options->build.binary = argument;
		return 0;
	}
	rc = append(&options->further, &options->build.further_count, argument, err);
	options->build.further = options->further;
	if (!rc && options->build.further_count >= FORMAT_PARTS_LIMIT)
		rc = error_set(err, SUTURE_E_USAGE, "--binary %s: more than %d binaries", argument,
			       FORMAT_PARTS_LIMIT);
	return rc;
}

static int read_jobs(struct options *options, const char *argument, struct suture_error *err)
{
	char *end;
	unsigned long jobs = strtoul(argument, &end, 10);

	if (*end || end == argument || jobs < 1 || jobs > 256)
		return error_set(err, SUTURE_E_USAGE, "-j %s: want a number from 1 to 256",
				 argument);
	options->build.parallel = (unsigned)jobs;
	return 0;
}

static int read_pid(struct options *options, const char *argument, struct suture_error *err)
{
	char *end;
	long pid = strtol(argument, &end, 10);

	if (*end || end == argument || pid < 1 || pid > INT_MAX)
		return error_set(err, SUTURE_E_USAGE, "-p %s: want the id of a process", argument);
	options->pid = (pid_t)pid;
	return 0;
}

static int read_color(struct options *options, const char *argument, struct suture_error *err)
{
	if (!argument || strcmp(argument, "always") == 0)
		options->color = true;
	else if (strcmp(argument, "never") == 0)
		options->color = false;
	else if (strcmp(argument, "auto") != 0)
		return error_set(err, SUTURE_E_USAGE, "--color=%s: want auto, always or never",
				 argument);
	return 0;
}

static int read_option(struct reading *reading, int key, char *argument)
{
	struct options *options = reading->options;
	struct build_options *build = &options->build;

	switch (key) {
	case 'C':
		build->build_dir = argument;
		return 0;
	case KEY_SOURCE:
		build->source_dir = argument;
		return 0;
	case KEY_BINARY:
		return read_binary(options, argument, reading->err);
	case 'o':
		build->output = argument;
		return 0;
	case KEY_NAME:
		build->name = argument;
		return 0;
	case KEY_DESCRIPTION:
		build->description = argument;
		if (strchr(argument, '\n'))
			return error_set(reading->err, SUTURE_E_USAGE, "--description: one line");
		return 0;
	case KEY_DATA:
		return read_decision(options, argument, reading->err);
	case KEY_ACCEPT_LAYOUT:
		return read_accepted(options, argument, reading->err);
	case 'j':
		return read_jobs(options, argument, reading->err);
	case 'p':
		return read_pid(options, argument, reading->err);
	case KEY_ON:
		return read_on(options, argument, reading->err);
	case KEY_REPORT:
		options->report = argument;
		return 0;
	case KEY_LIST_FILES:
		options->list_files = true;
		return 0;
	case KEY_BASELINE:
		build->baseline = argument;
		return 0;
	case KEY_SIGN:
		options->sign = argument;
		return 0;
	case KEY_ALL_UNITS:
		build->all_units = true;
		return 0;
	case KEY_PREPARE:
		options->prepare = build->all_units = true;
		return 0;
	case KEY_CACHE:
	case KEY_NO_CACHE:
		free(options->cache);
		options->cache = argument ? strdup(argument) : NULL;
		build->cache_dir = options->cache;
		return argument && !options->cache ? error_no_memory(reading->err) : 0;
	case KEY_JSON:
		options->json = true;
		return 0;
	case 'q':
		options->quiet = true;
		return 0;
	case 'v':
		options->verbose = true;
		return 0;
	case KEY_COLOR:
		return read_color(options, argument, reading->err);
	case ARGP_KEY_ARG:
		if (build->diff)
			return error_set(reading->err, SUTURE_E_USAGE, "%.80s: one diff at a time",
					 argument);
		build->diff = argument;
		return 0;
	default:
		return 1;
	}
}

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct reading *reading = state->input;
	int rc;

	if (key == ARGP_KEY_ERROR) {
		reading->error_at = state->next;
		return 0;
	}
	rc = read_option(reading, key, argument);
	if (rc == 1)
		return ARGP_ERR_UNKNOWN;
	if (rc && !reading->rc)
		reading->rc = rc;
	return rc ? EINVAL : 0;
}

static void print_version(FILE *stream, struct argp_state *state)
{
	(void)state;
	fprintf(stream, "suture-build %s\n", SUTURE_VERSION);
}

/* <suture/patch.h>: beside an installed program, or in the tree that it was built in. */
static char *find_headers(void)
{
	static const char *const places[] = {"../include", "../../include"};
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	self[length < 0 ? 0 : length] = '\0';
	slash = strrchr(self, '/');
	for (size_t i = 0; slash && i < sizeof(places) / sizeof(places[0]); i++) {
		char *found = NULL, *folder = NULL;

		*slash = '\0';
		if (asprintf(&found, "%s/%s/suture/patch.h", self, places[i]) < 0)
			return NULL;
		if (access(found, R_OK) == 0) {
			found[strlen(found) - strlen("/suture/patch.h")] = '\0';
			folder = realpath(found, NULL);
		}
		free(found);
		if (folder)
			return folder;
	}
	return NULL;
}

static bool asks_for_help(int argc, char **argv)
{
	static const char *const words[] = {"--help", "-?", "--usage", "--version", "-V"};

	for (int i = 1; i < argc; i++)
		for (size_t k = 0; k < sizeof(words) / sizeof(words[0]); k++)
			if (strcmp(argv[i], words[k]) == 0)
				return true;
	return false;
}

/* No patch is made: what would be about one can't be honoured. */
static int check_prepare(const struct options *options, struct suture_error *err)
{
	const struct build_options *build = &options->build;
	const struct {
		bool given;
		const char *name;
	} others[] = {
		{build->diff, "a DIFF"},
		{options->list_files, "--list-files"},
		{build->output, "--output"},
		{build->on_count, "--on"},
		{build->baseline, "--baseline"},
		{build->decision_count, "--data"},
		{build->accepted_count, "--accept-layout"},
		{options->sign, "--sign"},
		{options->pid, "--pid"},
		{options->report, "--report"},
	};

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].given)
			return error_set(err, SUTURE_E_USAGE,
					 "--prepare makes no patch: it goes without %s",
					 others[i].name);
	return 0;
}

int options_read(struct options *options, int argc, char **argv, struct suture_error *err)
{
	static const struct argp argp = {
		.options = descriptions,
		.parser = parse,
		.args_doc = "DIFF",
		.doc = "Makes a live patch of a diff, for one exact binary.\v"
		       "Exit codes: 0 written, 10 nothing to patch, 4 refused, 2 usage, 1 internal "
		       "error.",
	};
	struct reading reading = {.options = options, .err = err};
	error_t rc;

	*options = (struct options){.build.build_dir = ".",
				    .color = isatty(STDERR_FILENO) && !getenv("NO_COLOR")};
	options->cache = objcache_default();
	options->build.cache_dir = options->cache;
	options->include = find_headers();
	options->build.include_dir = options->include;
	argp_program_version_hook = print_version;
	argp_err_exit_status = 2;
	/* Without its messages argp gives no help either. */
	rc = argp_parse(&argp, argc, argv, asks_for_help(argc, argv) ? 0 : ARGP_NO_ERRS, NULL,
			&reading);
	if (rc || reading.rc) {
		/* It may stand behind what is wrong. */
		for (int i = 1; i < argc; i++)
			options->json |= strcmp(argv[i], "--json") == 0;
		if (!reading.rc)
			explain_arguments(&argp, argc, argv, reading.error_at, err);
		if (!err->next[0])
			error_next(err, "see 'suture help build'");
		return reading.rc ? reading.rc : -(int)SUTURE_E_USAGE;
	}
	if (options->list_files && options->build.further_count)
		return error_set(err, SUTURE_E_USAGE, "--list-files: of one --binary at a time");
	if ((!options->build.diff && !options->list_files && !options->prepare) ||
	    !options->build.binary) {
		error_set(err, SUTURE_E_USAGE, "%s is missing",
			  options->build.binary ? "DIFF" : "--binary EXE");
		return error_next(err, "suture build -C BUILD_DIR --binary EXE DIFF, see --help");
	}
	return options->prepare ? check_prepare(options, err) : 0;
}

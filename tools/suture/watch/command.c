/* SPDX-License-Identifier: MIT */
/*
 * suture watch: on every save the changes since the binary was built become one patch, which takes
 * the place of the one before. What does not compile, is refused or finds a thread in the way is
 * said, and leaves what runs as it is.
 */
#include "base/error.h"
#include "binary/binary.h"
#include "cli/action.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/message.h"
#include "cli/patchfile.h"
#include "cli/transaction.h"
#include "cli/watch/child.h"
#include "cli/watch/notify.h"
#include "cli/watch/refused.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	WATCH_BINARY = TRANSACTION_OWN,
	WATCH_SOURCE,
	WATCH_REPLACE,
	WATCH_RETRY_MS = 2000,
	WATCH_ARGUMENTS = 24,
};

static const char watch_name[] = "watch"; /* of the loop's patches */

struct watch {
	struct cli *cli;
	struct transaction transaction;
	const char *build_dir;
	const char *binary;
	const char *source;
	bool replace; /* other people's patches too */
	struct tree tree;
	struct notify notify;
	char patch[PATH_MAX + 16];
	char diff[PATH_MAX + 16];
	uint64_t saved_ns; /* CLOCK_REALTIME: when the last file was written */
};

static const struct argp_option list[] = {
	{.name = "build-dir",
	 .key = 'C',
	 .arg = "BUILD_DIR",
	 .doc = "has compile_commands.json (.)"},
	{.name = "binary",
	 .key = WATCH_BINARY,
	 .arg = "EXE",
	 .doc = "the program that runs, exactly"},
	{.name = "source",
	 .key = WATCH_SOURCE,
	 .arg = "DIR",
	 .doc = "watch only files in this folder (where all sources are)"},
	{.name = "replace",
	 .key = WATCH_REPLACE,
	 .doc = "let the first save take the place of patches that are applied: the sources "
		"should have their changes"},
	TRANSACTION_OPTIONS,
	{0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;
	struct watch *watch = cli->options;

	switch (key) {
	case 'C':
		watch->build_dir = argument;
		return 0;
	case WATCH_BINARY:
		watch->binary = argument;
		return 0;
	case WATCH_SOURCE:
		watch->source = argument;
		return 0;
	case WATCH_REPLACE:
		watch->replace = true;
		return 0;
	case ARGP_KEY_INIT:
	case ARGP_KEY_ERROR:
		return options_parse_none(key, argument, state);
	default:
		return transaction_option(&watch->transaction, key, argument, state);
	}
}

static const struct argp watch_argp = {
	.options = list, .parser = parse, .children = options_with_target};

void cli_watch_help(void)
{
	argp_help(&watch_argp, stdout, ARGP_HELP_LONG, "suture watch");
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* "arena-server (pid 4120): ", or with --json nothing: then there is one document a line. */
static void put_process(const struct subject *subject)
{
	message_put(stdout, subject->process.name);
	printf(" (pid %d): ", (int)subject->process.pid);
}

static void add_since_save(const struct watch *watch, struct json_object *answer)
{
	uint64_t now = now_ns(CLOCK_REALTIME);

	/* A file whose time lies in the future, or long ago (cp -p), tells nothing. */
	if (watch->saved_ns && now > watch->saved_ns && now - watch->saved_ns < 600000000000ULL)
		rpc_json_add(answer, "since_save_us",
			     json_object_new_uint64((now - watch->saved_ns) / 1000));
}

static void show(const struct watch *watch, const struct subject *subject, const char *what)
{
	struct json_object *answer = subject->answer;
	char since[DURATION_TEXT_SIZE], pause[DURATION_TEXT_SIZE];
	int64_t functions = rpc_json_get_int(answer, "functions", 0);
	int64_t since_us = rpc_json_get_int(answer, "since_save_us", -1);

	if (watch->cli->json) {
		puts(rpc_json_line(answer));
	} else if (!watch->cli->quiet) {
		put_process(subject);
		printf("%s, %lld function%s", what, (long long)functions,
		       functions == 1 ? "" : "s");
		if (since_us >= 0) {
			duration_format((uint64_t)since_us, since);
			printf(", %s after the save", since);
		}
		duration_format((uint64_t)rpc_json_get_int(answer, "pause_us", 0), pause);
		printf(", paused %s\n", pause);
	}
	fflush(stdout);
}

/* What went wrong, and that nothing changed by it. */
static void complain(const struct watch *watch, const struct suture_error *err,
		     struct json_object *details)
{
	if (watch->cli->json)
		message_json(message_document(err, details), 0);
	else
		message_error(watch->cli, err, details, "what runs was not changed");
	fflush(stdout);
}

/* One call to every process. 0, or the code of the last that failed. */
static int to_all(struct watch *watch, struct action *action, const char *method, const char *what)
{
	struct group group;
	int code = 0;

	if (group_find(watch->cli, GROUP_ADOPTED, &group, &watch->cli->err)) {
		group_fini(&group);
		complain(watch, &watch->cli->err, NULL);
		return watch->cli->err.code;
	}
	for (size_t i = 0; i < group.count; i++) {
		struct subject *subject = &group.subjects[i];

		if (subject->linked)
			action_call(watch->cli, action, method, subject);
		/* Taking out what is not in is no trouble. */
		if (subject->err.code == SUTURE_E_NOT_APPLIED)
			continue;
		if (subject->err.code != SUTURE_OK) {
			complain(watch, &subject->err, subject->details);
			code = subject->err.code;
			continue;
		}
		if (what && rpc_json_get_bool(subject->answer, "changed", false)) {
			add_since_save(watch, subject->answer);
			show(watch, subject, what);
		}
	}
	group_fini(&group);
	return code;
}

static int apply(struct watch *watch)
{
	struct action action = {
		.fd = -1, .changes = true, .timeout_us = watch->transaction.timeout_us};
	int code = patchfile_open(watch->patch, &action.fd, &watch->cli->err);

	if (code) {
		complain(watch, &watch->cli->err, NULL);
		return watch->cli->err.code;
	}
	watch->transaction.replace = true;
	action.params = transaction_params(&watch->transaction);
	rpc_json_add(action.params, "label", rpc_json_string("watch.so"));
	code = to_all(watch, &action, "apply", "new code runs");
	json_object_put(action.params);
	close(action.fd);
	return code;
}

/* The sources are as the binary was built, or as good as: so shall be what runs. */
static int take_out(struct watch *watch)
{
	struct action action = {
		.fd = -1, .changes = true, .timeout_us = watch->transaction.timeout_us};
	int code;

	watch->transaction.replace = false;
	action.params = transaction_params(&watch->transaction);
	rpc_json_add(action.params, "name", rpc_json_string(watch_name));
	code = to_all(watch, &action, "revert", "runs as it was built");
	json_object_put(action.params);
	return code;
}

static bool interrupted(void *context)
{
	struct watch *watch = context;

	return notify_pending(&watch->notify, &watch->tree);
}

/* Exit code of suture-build; -1: given up, something was saved meanwhile. */
static int build(struct watch *watch)
{
	const struct child_interrupt interrupt = {
		.fd = watch->notify.fd, .check = interrupted, .context = watch};
	char *argv[] = {(char *)child_builder(),
			(char *)(watch->cli->json ? "--json" : "-q"),
			(char *)"-C",
			(char *)watch->build_dir,
			(char *)"--source",
			watch->tree.root,
			(char *)"--binary",
			(char *)watch->binary,
			(char *)"--baseline",
			watch->tree.baseline,
			(char *)"--name",
			(char *)watch_name,
			(char *)"-o",
			watch->patch,
			watch->diff,
			NULL};
	struct child child;
	int code;

	if (child_run(argv, &interrupt, &child, &watch->cli->err)) {
		complain(watch, &watch->cli->err, NULL);
		child_fini(&child);
		return 1;
	}
	code = child.cancelled ? -1 : child.exit_code;
	if (code > 0 && code != 10) {
		fputs((const char *)child.err.data, stderr);
		if (watch->cli->json)
			refused_put(&child);
		else if (!watch->cli->quiet)
			fputs("suture: what runs was not changed; waiting for the next save\n",
			      stderr);
		fflush(stdout);
	}
	child_fini(&child);
	return code;
}

/* From what is on disk to what runs. False: threads were in the way, try again soon. */
static bool bring_about(struct watch *watch)
{
	size_t differing = tree_look(&watch->tree);
	int code;

	watch->saved_ns = watch->tree.newest_ns;
	if (differing == 0)
		return !suture_code_retryable((enum suture_code)take_out(watch));
	if (tree_diff(&watch->tree, watch->diff, &watch->cli->err)) {
		complain(watch, &watch->cli->err, NULL);
		return true;
	}
	code = build(watch);
	if (code == 0)
		return !suture_code_retryable((enum suture_code)apply(watch));
	if (code == 10)
		return !suture_code_retryable((enum suture_code)take_out(watch));
	return true;
}

static int list_sources(struct watch *watch, struct child *child)
{
	char *argv[WATCH_ARGUMENTS] = {
		(char *)child_builder(),  (char *)"--list-files", (char *)"-C",
		(char *)watch->build_dir, (char *)"--binary",	  (char *)watch->binary};

	if (watch->source) {
		argv[6] = (char *)"--source";
		argv[7] = (char *)watch->source;
	}
	if (child_run(argv, NULL, child, &watch->cli->err))
		return message_fail(watch->cli, &watch->cli->err);
	if (child->exit_code == 0)
		return 0;
	fputs((const char *)child->err.data, stderr);
	if (watch->cli->json)
		refused_put(child);
	return child->exit_code;
}

static int build_id_of(const char *path, char text[2 * BINARY_BUILD_ID_SIZE + 1],
		       struct suture_error *err)
{
	struct arena arena = {0};
	struct binary binary;
	int rc = binary_read(&arena, path, NULL, &binary, err);

	if (!rc && binary.build_id_size == 0)
		rc = error_set(err, SUTURE_E_BAD_INPUT, "%s has no build-id", path);
	for (size_t i = 0; !rc && i < binary.build_id_size; i++)
		snprintf(text + 2 * i, 3, "%02x", binary.build_id[i]);
	arena_fini(&arena);
	return rc;
}

/*
 * Nobody's fix may be taken out by the way: the loop's patch replaces what is applied. With
 * --replace that is what is wanted.
 */
static int check_processes(struct watch *watch)
{
	struct action action = {.method = "list", .fd = -1, .timeout_us = 10000000};
	struct suture_error *err = &watch->cli->err;
	struct group group;
	int exit_code = 0;

	if (group_find(watch->cli, GROUP_ADOPTED, &group, err)) {
		group_fini(&group);
		return message_fail(watch->cli, err);
	}
	for (size_t i = 0; i < group.count && !exit_code; i++) {
		struct subject *subject = &group.subjects[i];
		struct json_object *patches;

		if (subject->linked)
			action_call(watch->cli, &action, "list", subject);
		if (subject->err.code != SUTURE_OK) {
			exit_code = message_fail(watch->cli, &subject->err);
			break;
		}
		patches = rpc_json_get_array(subject->answer, "patches");
		for (size_t k = 0; patches && k < json_object_array_length(patches); k++) {
			const char *name = rpc_json_get_string(
				json_object_array_get_idx(patches, k), "name", "");

			if (watch->replace || strcmp(name, watch_name) == 0)
				continue;
			error_set(err, SUTURE_E_DEPENDENCY,
				  "%s is applied to %s (pid %d), and would be replaced", name,
				  subject->process.name, (int)subject->process.pid);
			error_next(err,
				   "with its change in the sources add --replace, and the first "
				   "save takes its place; else suture revert %s -p %d",
				   name, (int)subject->process.pid);
			exit_code = message_fail(watch->cli, err);
			break;
		}
	}
	group_fini(&group);
	return exit_code;
}

static void say_begin(const struct watch *watch)
{
	const char *newer = tree_newer(&watch->tree, watch->binary);

	if (watch->cli->quiet || watch->cli->json)
		return;
	if (newer)
		fprintf(stderr,
			"suture: note: %s was written after %s was linked; what can't be shown to "
			"be its source is refused\n",
			newer, watch->binary);
	fprintf(stderr, "suture: watching %zu file%s in %s; ^C ends it, and leaves what runs\n",
		watch->tree.count, watch->tree.count == 1 ? "" : "s", watch->tree.root);
}

static int loop(struct watch *watch)
{
	bool again = false;

	if (notify_open(&watch->notify, &watch->cli->err))
		return message_fail(watch->cli, &watch->cli->err);
	say_begin(watch);
	for (bool first = true;; first = false) {
		if (notify_watch(&watch->notify, &watch->tree, &watch->cli->err))
			return message_fail(watch->cli, &watch->cli->err);
		/* What differs at the start is from a loop before: it shall run. */
		if (!first)
			notify_wait(&watch->notify, &watch->tree, again ? WATCH_RETRY_MS : -1);
		else if (tree_look(&watch->tree) == 0)
			continue;
		again = !bring_about(watch);
		if (ferror(stdout))
			return 1;
	}
}

static int run(struct watch *watch)
{
	char build_id[2 * BINARY_BUILD_ID_SIZE + 1] = "";
	struct child listed = {0};
	int exit_code = check_processes(watch);

	if (!exit_code && build_id_of(watch->binary, build_id, &watch->cli->err))
		exit_code = message_fail(watch->cli, &watch->cli->err);
	if (!exit_code)
		exit_code = list_sources(watch, &listed);
	if (!exit_code && tree_open(&watch->tree, (char *)listed.out.data, watch->source, build_id,
				    &watch->cli->err))
		exit_code = message_fail(watch->cli, &watch->cli->err);
	child_fini(&listed);
	if (exit_code)
		return exit_code;
	snprintf(watch->patch, sizeof(watch->patch), "%s/watch.so", watch->tree.folder);
	snprintf(watch->diff, sizeof(watch->diff), "%s/watch.diff", watch->tree.folder);
	return loop(watch);
}

int cli_watch(struct cli *cli, int argc, char **argv)
{
	struct watch watch = {.cli = cli,
			      .transaction = {.timeout_us = TRANSACTION_TIMEOUT_US},
			      .build_dir = ".",
			      .tree = {.lock = -1},
			      .notify = {.fd = -1}};
	int exit_code;

	cli->options = &watch;
	if (options_parse(cli, &watch_argp, argc, argv, NULL, 0, 0, &exit_code))
		return exit_code;
	if (!watch.binary) {
		error_set(&cli->err, SUTURE_E_USAGE, "--binary is missing: which program runs?");
		error_next(&cli->err, "suture watch -C BUILD_DIR --binary EXE -n NAME");
		return message_fail(cli, &cli->err);
	}
	exit_code = run(&watch);
	notify_close(&watch.notify);
	tree_close(&watch.tree);
	return exit_code;
}

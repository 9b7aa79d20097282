/* SPDX-License-Identifier: MIT */
/*
 * argp finds the options; it is kept from printing and exiting. explain.h tells what was wrong.
 */
#include "cli/options.h"

#include "base/error.h"
#include "base/text.h"
#include "cli/explain.h"
#include "cli/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

error_t options_fail(struct argp_state *state, const char *fmt, ...)
{
	struct cli *cli = state->input;
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	error_set(&cli->err, SUTURE_E_USAGE, "%s", text);
	return EINVAL;
}

error_t options_missing(struct argp_state *state, const char *name)
{
	return options_fail(state, "option '%s' does not exist yet in suture " SUTURE_VERSION,
			    name);
}

static error_t set_color(struct argp_state *state, const char *when)
{
	struct cli *cli = state->input;

	if (strcmp(when, "always") == 0)
		cli->color_out = cli->color_err = true;
	else if (strcmp(when, "never") == 0)
		cli->color_out = cli->color_err = false;
	else if (strcmp(when, "auto") != 0)
		return options_fail(state, "--color is one of auto, always, never, not '%.*s'",
				    text_fit(when, 40), when);
	return 0;
}

static error_t parse_common(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;

	switch (key) {
	case OPTION_JSON:
		cli->json = true;
		return 0;
	case 'q':
		cli->quiet = true;
		return 0;
	case 'v':
		cli->verbose = true;
		return 0;
	case 'h':
		cli->help = true;
		return 0;
	case OPTION_COLOR:
		return set_color(state, argument);
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_target(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;
	enum target_kind kind;

	switch (key) {
	case 'p':
		kind = TARGET_PID;
		break;
	case 'n':
		kind = TARGET_NAME;
		break;
	case 's':
		kind = TARGET_SOCKET;
		break;
	case OPTION_TREE:
		kind = TARGET_TREE;
		break;
	case OPTION_ALL:
		kind = TARGET_ALL;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return target_set(&cli->target, kind, argument, &cli->err) ? EINVAL : 0;
}

static const struct argp_option common_list[] = {
	{.name = "json", .key = OPTION_JSON, .doc = "one JSON document on stdout, errors too"},
	{.name = "quiet", .key = 'q', .doc = "no results in words; the exit code tells"},
	{.name = "verbose", .key = 'v', .doc = "progress and details"},
	{.name = "color", .key = OPTION_COLOR, .arg = "WHEN", .doc = "auto, always or never"},
	{.name = "help", .key = 'h', .doc = "this text"},
	{0},
};

static const struct argp_option target_list[] = {
	{.name = "pid", .key = 'p', .arg = "PID", .doc = "the process with this id"},
	{.name = "name", .key = 'n', .arg = "NAME", .doc = "all processes of this name"},
	{.name = "socket", .key = 's', .arg = "SOCKET", .doc = "the agent behind this socket"},
	{.name = "tree", .key = OPTION_TREE, .arg = "PID", .doc = "it and all its descendants"},
	{.name = "all", .key = OPTION_ALL, .doc = "every process that has an agent"},
	{0},
};

static const struct argp common_argp = {.options = common_list, .parser = parse_common};
static const struct argp target_argp = {.options = target_list, .parser = parse_target};

const struct argp_child options_common[] = {
	{.argp = &common_argp, .header = "Output:", .group = 9},
	{0},
};

const struct argp_child options_with_target[] = {
	{.argp = &target_argp, .header = "TARGET, one of:", .group = 8},
	{.argp = &common_argp, .header = "Output:", .group = 9},
	{0},
};

const struct argp_child options_with_process[] = {
	{.argp = &target_argp, .header = "Instead of PID, one of:", .group = 8},
	{.argp = &common_argp, .header = "Output:", .group = 9},
	{0},
};

void options_init_children(struct argp_state *state)
{
	for (size_t i = 0; state->root_argp->children[i].argp; i++)
		state->child_inputs[i] = state->input;
}

error_t options_parse_none(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;

	(void)argument;
	if (key == ARGP_KEY_INIT)
		options_init_children(state);
	else if (key == ARGP_KEY_ERROR)
		cli->error_at = state->next;
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

static int usage_exit(struct cli *cli)
{
	if (!cli->err.next[0] && cli->command)
		error_next(&cli->err, "see 'suture help %s'", cli->command);
	return message_fail(cli, &cli->err);
}

/* A process is named by an option, but it is easily forgotten. */
static int one_too_many(struct cli *cli, const char *what)
{
	error_set(&cli->err, SUTURE_E_USAGE, "'%.*s' is one argument too many", text_fit(what, 64),
		  what);
	if (!cli->target_wanted || cli->target.kind != TARGET_NONE || !*what)
		return -(int)SUTURE_E_USAGE;
	if (!what[strspn(what, "0123456789")])
		return error_next(&cli->err, "did you mean '-p %.20s'?", what);
	if (!strchr(what, '/') && !strchr(what, '.'))
		return error_next(&cli->err, "did you mean '-n %.*s'?", text_fit(what, 64), what);
	return -(int)SUTURE_E_USAGE;
}

static int take_operands(struct cli *cli, int count, char **from, const char **operands,
			 unsigned least, unsigned most)
{
	const struct cli_command *command = cli_command_find(cli->command);

	if (count > (int)most)
		return one_too_many(cli, from[most]);
	if (count < (int)least) {
		error_set(&cli->err, SUTURE_E_USAGE, "'suture %s' needs more arguments",
			  cli->command);
		return error_next(&cli->err, "suture %s %s", cli->command,
				  command ? command->arguments : "");
	}
	for (int i = 0; i < count; i++) {
		if (!*from[i])
			return error_set(&cli->err, SUTURE_E_USAGE, "argument %d is empty", i + 1);
		operands[i] = from[i];
	}
	return 0;
}

int options_parse(struct cli *cli, const struct argp *argp, int argc, char **argv,
		  const char **operands, unsigned least, unsigned most, int *exit_code)
{
	int first = argc;

	cli->target_wanted = argp->children == options_with_target;
	/* argp permutes: what is no option is at the end when it returns. */
	if (argp_parse(argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_ERRS | ARGP_NO_HELP, &first, cli)) {
		if (cli->err.code == SUTURE_OK)
			explain_arguments(argp, argc, argv, cli->error_at, &cli->err);
		*exit_code = usage_exit(cli);
		return -1;
	}
	if (cli->help) {
		const char *words[] = {"help", cli->command};

		*exit_code = cli_help(cli, 2, (char **)words);
		return -1;
	}
	if (take_operands(cli, argc - first, argv + first, operands, least, most)) {
		*exit_code = usage_exit(cli);
		return -1;
	}
	if (cli->target_wanted && cli->target.kind == TARGET_NONE) {
		error_set(&cli->err, SUTURE_E_USAGE, "no TARGET: which process?");
		error_next(&cli->err, "add one of -p PID, -n NAME, -s SOCKET, --tree PID, --all");
		*exit_code = usage_exit(cli);
		return -1;
	}
	return 0;
}

int options_parse_process(struct cli *cli, const struct argp *argp, int argc, char **argv,
			  int *exit_code)
{
	const char *pid = NULL;
	int rc = 0;

	if (options_parse(cli, argp, argc, argv, &pid, 0, 1, exit_code))
		return -1;
	if (pid)
		rc = target_set(&cli->target, TARGET_PID, pid, &cli->err);
	else if (cli->target.kind == TARGET_NONE)
		rc = error_set(&cli->err, SUTURE_E_USAGE, "which process?");
	if (rc)
		*exit_code = usage_exit(cli);
	return rc;
}

void options_look_ahead(struct cli *cli, int argc, char **argv)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");
	bool plain = (no_color && *no_color) || (term && strcmp(term, "dumb") == 0);

	cli->color_out = !plain && isatty(STDOUT_FILENO);
	cli->color_err = !plain && isatty(STDERR_FILENO);
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--json") == 0)
			cli->json = true;
		else if (strcmp(argv[i], "--color=never") == 0)
			cli->color_out = cli->color_err = false;
	}
}

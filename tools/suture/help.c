/* SPDX-License-Identifier: MIT */
/* suture help, and --help of every command. */
#include "cli/message.h"
#include "cli/options.h"

#include "base/error.h"
#include "base/text.h"
#include "cli/suggest.h"

#include <stdio.h>
#include <string.h>

enum { HELP_COMMANDS = 40, HELP_WIDTH = 79 };

static void show_all(void)
{
	puts("usage: suture COMMAND [OPTION...] [TARGET]\n");
	puts("Changes functions of a running process, and takes the change back.\n");
	for (const struct cli_command *command = cli_commands; command->name; command++)
		if (command->run)
			printf("  %-10s %s\n", command->name, command->summary);
	puts("\nTARGET is one of -p PID, -n NAME, -s SOCKET, --tree PID, --all.");
	puts("Every command takes --json, -q, -v, --color=auto|always|never.");
	puts("Exit codes: 0 done, 1 internal, 2 usage, 3 no process or agent, 4 refused,");
	puts("5 busy (retry), 6 reverted by itself, 7 not permitted, 8 state uncertain.");
	puts("\n'suture help COMMAND' tells more. 'suture --version' prints the version.");
}

/* The synopsis, in lines of 80 columns; what stands in brackets is not torn. */
static void put_usage(const struct cli_command *command)
{
	int indent = printf("usage: suture %s", command->name), column = indent;
	const char *at = command->arguments;

	while (*at) {
		int length = 0, depth = 0;

		for (; at[length] && (at[length] != ' ' || depth > 0); length++)
			depth += at[length] == '[' ? 1 : at[length] == ']' ? -1 : 0;
		if (column + 1 + length > HELP_WIDTH) {
			printf("\n%*s", indent, "");
			column = indent;
		}
		column += printf(" %.*s", length, at);
		at += length + (at[length] == ' ');
	}
	fputs("\n\n", stdout);
}

static void show_one(const struct cli_command *command)
{
	put_usage(command);
	printf("%c%s.\n",
	       command->summary[0] -
		       ('a' <= command->summary[0] && command->summary[0] <= 'z' ? 'a' - 'A' : 0),
	       command->summary + 1);
	if (command->alias)
		printf("'suture %s' is the same.\n", command->alias);
	if (!command->help)
		return;
	putchar('\n');
	fflush(stdout);
	command->help();
}

/* {"commands":[{"name","summary","arguments"}]} */
static int show_json(const struct cli_command *only)
{
	struct json_object *document = json_object_new_object();
	struct json_object *list = json_object_new_array();

	for (const struct cli_command *command = cli_commands; command->name; command++) {
		struct json_object *row;

		if (!command->run || (only && command != only))
			continue;
		row = json_object_new_object();
		rpc_json_add(row, "name", rpc_json_string(command->name));
		rpc_json_add(row, "summary", rpc_json_string(command->summary));
		rpc_json_add(row, "arguments", rpc_json_string(command->arguments));
		rpc_json_append(list, row);
	}
	rpc_json_add(document, "commands", list);
	return message_json(document, 0);
}

static int unknown(struct cli *cli, const char *name)
{
	const struct cli_command *command = cli_command_find(name);
	const char *names[HELP_COMMANDS + 1], *nearest;
	size_t count = 0;

	if (command) {
		error_set(&cli->err, SUTURE_E_USAGE,
			  "command '%s' does not exist yet in suture " SUTURE_VERSION, name);
		error_next(&cli->err, "'suture help' lists what there is");
		return message_fail(cli, &cli->err);
	}
	for (command = cli_commands; command->name && count < HELP_COMMANDS; command++)
		if (command->run)
			names[count++] = command->name;
	names[count] = NULL;
	nearest = suggest_nearest(name, names);
	error_set(&cli->err, SUTURE_E_USAGE, "unknown command '%.*s'", text_fit(name, 64), name);
	if (nearest)
		error_next(&cli->err, "did you mean '%s'?", nearest);
	else
		error_next(&cli->err, "'suture help' lists what there is");
	return message_fail(cli, &cli->err);
}

/* --json and its like were read ahead. */
static bool is_common(const char *option)
{
	static const char *const common[] = {"--json",	  "-q", "--quiet", "-v",
					     "--verbose", "-h", "--help"};

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
		if (strcmp(option, common[i]) == 0)
			return true;
	return strncmp(option, "--color=", strlen("--color=")) == 0;
}

int cli_help(struct cli *cli, int argc, char **argv)
{
	const struct cli_command *command = NULL;
	const char *name = NULL;

	for (int i = 1; i < argc; i++) {
		if (is_common(argv[i]))
			continue;
		if (argv[i][0] == '-') {
			error_set(&cli->err, SUTURE_E_USAGE, "unknown option '%.*s'",
				  text_fit(argv[i], 64), argv[i]);
			error_next(&cli->err, "suture help [COMMAND]");
			return message_fail(cli, &cli->err);
		}
		if (name) {
			error_set(&cli->err, SUTURE_E_USAGE, "'%.*s' is one argument too many",
				  text_fit(argv[i], 64), argv[i]);
			error_next(&cli->err, "suture help [COMMAND]");
			return message_fail(cli, &cli->err);
		}
		name = argv[i];
	}
	if (name) {
		command = cli_command_find(name);
		if (!command || !command->run)
			return unknown(cli, name);
	}
	if (cli->json)
		return show_json(command);
	if (command)
		show_one(command);
	else
		show_all();
	return message_flush(0);
}

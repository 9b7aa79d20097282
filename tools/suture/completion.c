/* SPDX-License-Identifier: MIT */
/*
 * suture completion bash: the function that bash calls. It asks `suture` itself for words, so that
 * commands and options are always those of this version, and names and pids are those of now.
 *
 * suture completion words [WORD…]: what could stand at the place of the last WORD, one a line.
 */
#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/group.h"
#include "cli/message.h"
#include "cli/options.h"

#include <stdio.h>
#include <string.h>

static const char script[] = "# bash completion of suture: eval \"$(suture completion bash)\"\n"
			     "_suture() {\n"
			     "	local word=${COMP_WORDS[COMP_CWORD]} line\n"
			     "	COMPREPLY=()\n"
			     "	# An option's value after '=' is a word of its own to bash.\n"
			     "	while IFS= read -r line; do\n"
			     "		case $line in\n"
			     "		:files) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < "
			     "<(compgen -f -- \"$word\") ;;\n"
			     "		:folders) mapfile -t -O ${#COMPREPLY[@]} COMPREPLY < "
			     "<(compgen -d -- \"$word\") ;;\n"
			     "		\"$word\"*) COMPREPLY+=(\"$line\") ;;\n"
			     "		esac\n"
			     "	done < <(\"${COMP_WORDS[0]}\" completion words "
			     "\"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
			     "}\n"
			     "complete -o filenames -F _suture suture\n";

void cli_completion_help(void)
{
	puts("  bash    prints the function for bash; in ~/.bashrc:\n"
	     "              eval \"$(suture completion bash)\"\n"
	     "          or as a file suture in /usr/share/bash-completion/completions");
}

static void put_processes(bool names)
{
	struct process_list all;
	struct link link;

	if (process_list_all(&all, NULL))
		return;
	for (size_t i = 0; i < all.count; i++) {
		if (process_is_kernel(&all.items[i]) || link_open(&link, &all.items[i], NULL))
			continue;
		link_close(&link);
		if (names)
			message_put(stdout, all.items[i].name);
		else
			printf("%d", (int)all.items[i].pid);
		putchar('\n');
	}
	process_list_fini(&all);
}

/* The value of the first of two options among the words. */
static const char *value_of(int argc, char **argv, const char *letter, const char *name)
{
	for (int i = 0; i + 1 < argc; i++)
		if (strcmp(argv[i], letter) == 0 || strcmp(argv[i], name) == 0)
			return argv[i + 1];
	return NULL;
}

/* What a process lists: texts, or objects with a name. */
static void put_names(struct json_object *list)
{
	for (size_t i = 0; list && i < json_object_array_length(list); i++) {
		struct json_object *one = json_object_array_get_idx(list, i);

		message_put(stdout, json_object_is_type(one, json_type_string)
					    ? json_object_get_string(one)
					    : rpc_json_get_string(one, "name", ""));
		putchar('\n');
	}
}

/* Of the TARGET that stands in the line, else of all processes that we may ask. */
static void put_listed(int argc, char **argv, const char *method, const char *member)
{
	const char *pid = value_of(argc, argv, "-p", "--pid");
	const char *name = value_of(argc, argv, "-n", "--name");
	struct cli cli = {.target.kind = TARGET_ALL};
	struct group group;

	if (pid || name) {
		cli.target.kind = TARGET_NONE;
		if (target_set(&cli.target, pid ? TARGET_PID : TARGET_NAME, pid ? pid : name,
			       &cli.err))
			return;
	}
	if (group_find(&cli, GROUP_AS_IT_IS, &group, &cli.err)) {
		group_fini(&group);
		return;
	}
	for (size_t i = 0; i < group.count; i++) {
		struct rpc_client_call call = {.method = method, .fd = -1, .timeout_us = 2000000};
		struct json_object *answer = NULL;

		if (!group.subjects[i].linked ||
		    link_call(&group.subjects[i].link, &call, &answer, NULL, NULL))
			continue;
		put_names(rpc_json_get_array(answer, member));
		json_object_put(answer);
	}
	group_fini(&group);
}

static void put_commands(void)
{
	for (const struct cli_command *command = cli_commands; command->name; command++)
		if (command->run)
			puts(command->name);
}

/* Lines of the command's own help that begin with an option. */
static void put_options(const struct cli_command *command)
{
	char line[256], *at;
	FILE *help;
	char *text = NULL;
	size_t size = 0;
	FILE *kept = stdout;

	if (!command->help || command->run == cli_build)
		return;
	help = open_memstream(&text, &size);
	if (!help)
		return;
	stdout = help;
	command->help();
	stdout = kept;
	fclose(help);
	help = fmemopen(text, size, "r");
	while (help && fgets(line, sizeof(line), help)) {
		at = strstr(line, "--");
		/* "  -p, --pid=PID" or "      --json": nothing but a letter stands in front. */
		if (!at || at - line > 6)
			continue;
		at[2 + strcspn(at + 2, "=[ \n")] = '\0';
		puts(at);
	}
	if (help)
		fclose(help);
	free(text);
}

/* What follows an option that takes a value; false: it takes none. */
static bool put_value(const char *option, int argc, char **argv)
{
	static const char *const files[] = {"--patch",	"--binary", "--report",	      "--sign",
					    "--key",	"-o",	    "--output",	      "-s",
					    "--socket", "--on",	    "--all-functions"};
	static const char *const folders[] = {"-C", "--build-dir", "--source", "--cache"};

	(void)argc;
	(void)argv;
	if (strcmp(option, "-p") == 0 || strcmp(option, "--pid") == 0 ||
	    strcmp(option, "--tree") == 0)
		put_processes(false);
	else if (strcmp(option, "-n") == 0 || strcmp(option, "--name") == 0)
		put_processes(true);
	else if (strcmp(option, "--color") == 0)
		puts("auto\nalways\nnever");
	else if (strcmp(option, "--at") == 0)
		puts("any\nsafepoint");
	else {
		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
			if (strcmp(option, files[i]) == 0) {
				puts(":files");
				return true;
			}
		for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
			if (strcmp(option, folders[i]) == 0) {
				puts(":folders");
				return true;
			}
		return false;
	}
	return true;
}

/* An argument of the command: by what its synopsis begins with. */
static void put_operand(const struct cli_command *command, int argc, char **argv)
{
	if (strncmp(command->arguments, "NAME", 4) == 0)
		put_listed(argc, argv, "list", "patches");
	else if (command->run == cli_call && (argc <= 3 || argv[2][0] == '-'))
		put_listed(argc, argv, "status", "commands");
	else if (strncmp(command->arguments, "PID", 3) == 0)
		put_processes(false);
	else if (strncmp(command->arguments, "[COMMAND]", 9) == 0)
		put_commands();
	else if (strstr(command->arguments, "PATCH.so") || strstr(command->arguments, "DIFF") ||
		 command->run == cli_call)
		puts(":files");
	else if (command->run == cli_completion)
		puts("bash");
}

/* argv[0] is "words"; the last is what is being typed. */
static int put_words(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[argc - 1] : "";
	const char *before = argc > 2 ? argv[argc - 2] : "";
	const struct cli_command *command = argc > 2 ? cli_command_find(argv[1]) : NULL;

	if (argc <= 2) {
		put_commands();
		return 0;
	}
	if (!command || !command->run || (*before == '-' && put_value(before, argc, argv)))
		return 0;
	if (*word == '-')
		put_options(command);
	else
		put_operand(command, argc, argv);
	return 0;
}

int cli_completion(struct cli *cli, int argc, char **argv)
{
	static const struct argp argp = {.parser = options_parse_none, .children = options_common};
	const char *shell = NULL;
	int exit_code;

	/* The words that follow are no options of ours. */
	if (argc > 1 && strcmp(argv[1], "words") == 0)
		return put_words(argc - 1, argv + 1);
	if (options_parse(cli, &argp, argc, argv, &shell, 1, 1, &exit_code))
		return exit_code;
	if (strcmp(shell, "bash") != 0) {
		error_set(&cli->err, SUTURE_E_USAGE, "no completion for '%.*s'",
			  text_fit(shell, 40), shell);
		error_next(&cli->err, "suture completion bash");
		return message_fail(cli, &cli->err);
	}
	fputs(script, stdout);
	return message_flush(0);
}

/* SPDX-License-Identifier: MIT */
/* Options that commands share, on top of argp. Every parser gets the struct cli as its input. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/cli.h"

/* Keys of options without a letter; commands' own begin at OPTION_OWN. */
enum { OPTION_JSON = 256, OPTION_COLOR, OPTION_TREE, OPTION_ALL, OPTION_OWN = 300 };

/* --json -q -v --color --help; the same with the TARGET options; and where PID alone will do. */
extern const struct argp_child options_common[];
extern const struct argp_child options_with_target[];
extern const struct argp_child options_with_process[];

/* For a command's parser at ARGP_KEY_INIT: hands the struct cli on to the shared parsers. */
void options_init_children(struct argp_state *state);

/* A parser for commands without options of their own. */
error_t options_parse_none(int key, char *argument, struct argp_state *state);

/*
 * Parses. Arguments that are no options are put in operands[0..most); more or fewer than
 * [least, most] is a usage error. 0 to go on; otherwise *exit_code is set and all is said.
 */
int options_parse(struct cli *cli, const struct argp *argp, int argc, char **argv,
		  const char **operands, unsigned least, unsigned most, int *exit_code);

/* The same for options_with_process: a TARGET, or nothing but the PID of one. */
int options_parse_process(struct cli *cli, const struct argp *argp, int argc, char **argv,
			  int *exit_code);

/* Reads --json and --color ahead of everything, so that errors about options look right too. */
void options_look_ahead(struct cli *cli, int argc, char **argv);

/* USAGE error from inside a parser. */
error_t options_fail(struct argp_state *state, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* An option of CLI.md that this version lacks. */
error_t options_missing(struct argp_state *state, const char *name);

#endif

/* SPDX-License-Identifier: MIT */
/* One run of the command line: what was asked for, and how to say what came of it. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/target.h"
#include "rpc/json.h"

#include <argp.h>

struct cli {
	const char *command; /* its name, for messages; NULL before there is one */
	bool json;
	bool quiet;
	bool verbose;
	bool help;	/* --help was given */
	bool color_out; /* colour on stdout, on stderr */
	bool color_err;
	struct target target;
	bool target_wanted; /* the command takes a TARGET */
	int error_at;	    /* argument that argp stopped at */
	struct suture_error err;
	void *options; /* the command's own */
};

/* A command. argv[0] is its name; returns the exit code. */
struct cli_command {
	const char *name;
	const char *alias;     /* or NULL */
	const char *arguments; /* after the name, for help */
	const char *summary;
	int (*run)(struct cli *cli, int argc, char **argv); /* NULL: not in this version */
	void (*help)(void);				    /* options, to stdout; or NULL */
};

/* All of CLI.md, in its order; ends with a name of NULL. */
extern const struct cli_command cli_commands[];
const struct cli_command *cli_command_find(const char *name);

int cli_build(struct cli *cli, int argc, char **argv);
int cli_ps(struct cli *cli, int argc, char **argv);
int cli_attach(struct cli *cli, int argc, char **argv);
int cli_detach(struct cli *cli, int argc, char **argv);
int cli_check(struct cli *cli, int argc, char **argv);
int cli_apply(struct cli *cli, int argc, char **argv);
int cli_call(struct cli *cli, int argc, char **argv);
int cli_scope(struct cli *cli, int argc, char **argv);
int cli_revert(struct cli *cli, int argc, char **argv);
int cli_confirm(struct cli *cli, int argc, char **argv);
int cli_events(struct cli *cli, int argc, char **argv);
int cli_list(struct cli *cli, int argc, char **argv);
int cli_metrics(struct cli *cli, int argc, char **argv);
int cli_watch(struct cli *cli, int argc, char **argv);
int cli_completion(struct cli *cli, int argc, char **argv);
int cli_status(struct cli *cli, int argc, char **argv);
int cli_threads(struct cli *cli, int argc, char **argv);
int cli_info(struct cli *cli, int argc, char **argv);
int cli_install(struct cli *cli, int argc, char **argv);
int cli_uninstall(struct cli *cli, int argc, char **argv);
int cli_restore(struct cli *cli, int argc, char **argv);
int cli_help(struct cli *cli, int argc, char **argv);
int cli_main(int argc, char **argv);

#endif

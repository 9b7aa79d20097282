/* SPDX-License-Identifier: MIT */
/* suture build: becomes suture-build, which lies beside this program or in PATH. */
#include "cli/commands.h"
#include "cli/message.h"

#include "base/error.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int become(struct cli *cli, char **argv)
{
	char path[PATH_MAX + sizeof("/suture-build")];
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	path[length > 0 ? length : 0] = '\0';
	slash = strrchr(path, '/');
	fflush(stdout);
	argv[0] = (char *)"suture-build";
	if (slash) {
		strcpy(slash + 1, "suture-build");
		execv(path, argv);
	}
	if (!slash || errno == ENOENT)
		execvp("suture-build", argv);
	error_errno(&cli->err, SUTURE_E_IO, errno, "suture-build");
	error_next(&cli->err, "install it beside %.180s", slash ? path : "suture");
	return message_fail(cli, &cli->err);
}

int cli_build(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	return become(cli, argv);
}

/* The last thing that `suture help build` does. */
void cli_build_help(void)
{
	struct cli cli = {0};
	char *argv[] = {NULL, (char *)"--help", NULL};

	become(&cli, argv);
}

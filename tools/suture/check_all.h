/* SPDX-License-Identifier: MIT */
/* suture check --all-functions FILE: no process is asked, the file alone is looked at. */
#ifndef CLI_CHECK_ALL_H
#define CLI_CHECK_ALL_H

#include "cli/cli.h"

#include <stdbool.h>

/* Is that what the arguments ask for? */
bool check_all_wanted(int argc, char **argv);

/* Returns the exit code: 0 when the file could be read, whatever it says of its functions. */
int check_all_run(struct cli *cli, int argc, char **argv);

#endif

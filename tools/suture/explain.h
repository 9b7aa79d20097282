/* SPDX-License-Identifier: MIT */
/* What was wrong with a command line: told by the argument that argp stopped at. */
#ifndef CLI_EXPLAIN_H
#define CLI_EXPLAIN_H

#include <suture/error.h>

#include <argp.h>

/* at: argp's state->next when it gave up. Sets err (USAGE), with the option that was meant, if any.
 */
void explain_arguments(const struct argp *argp, int argc, char **argv, int at,
		       struct suture_error *err);

#endif

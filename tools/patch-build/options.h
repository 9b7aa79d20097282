/* SPDX-License-Identifier: MIT */
/* The command line of suture-build. */
#ifndef PATCH_BUILD_OPTIONS_H
#define PATCH_BUILD_OPTIONS_H

#include "builder/build.h"

#include <suture/error.h>

#include <stdbool.h>
#include <sys/types.h>

struct options {
	struct build_options build;	      /* texts are argv's */
	struct core_data_decision *decisions; /* owned, and what build.decisions points to */
	char **variables;		      /* owned: names in decisions */
	const char **on;		      /* owned, and what build.on points to */
	const char **further;		      /* owned, and what build.further points to */
	const char **accepted;		      /* owned, and what build.accepted_types points to */
	char *cache;			      /* owned */
	char *include;			      /* owned: build.include_dir */
	const char *sign;		      /* file of the secret key, or NULL */
	pid_t pid;			      /* to be looked at, or 0 */
	const char *report;		      /* file for the review page, or NULL */
	bool list_files;		      /* instead of building */
	bool prepare;			      /* without a diff */
	bool json;
	bool quiet;
	bool verbose;
	bool color;
};

/*
 * Reads argv. 0; or a negative code: SUTURE_E_USAGE for a line that makes no sense,
 * SUTURE_E_UNSUPPORTED for an option that this version does not know how to honour. --help and
 * --version print and end the program. The caller calls options_fini().
 */
int options_read(struct options *options, int argc, char **argv, struct suture_error *err);
void options_fini(struct options *options);

#endif

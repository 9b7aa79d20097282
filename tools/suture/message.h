/* SPDX-License-Identifier: MIT */
/*
 * What is said to the user. Errors have four parts: what, where, state, next. With --json they
 * are documents on stdout. Text that comes from elsewhere is stripped of control characters.
 */
#ifndef CLI_MESSAGE_H
#define CLI_MESSAGE_H

#include "cli/cli.h"

#include <stdio.h>

/* An error that is about no process in particular; returns the exit code. */
int message_fail(struct cli *cli, const struct suture_error *err);

/* In words, to stderr. details may hold "blockers"; state, if not NULL, is the third part. */
void message_error(const struct cli *cli, const struct suture_error *err,
		   struct json_object *details, const char *state);

/* {"error":{…}} with the members of details; NULL without memory. */
struct json_object *message_document(const struct suture_error *err, struct json_object *details);

/* Prints the document on one line and drops it; returns exit_code, or 1 if it can't be printed. */
int message_json(struct json_object *document, int exit_code);

/* The end of what goes to stdout. Says so where that can't be written, which makes it a failure. */
int message_flush(int exit_code);

/* Control characters become '?', a tab a blank, mangled names readable ones. */
void message_put(FILE *to, const char *text);

/* The worse of two exit codes, as automation sees it. */
int message_worse(int a, int b);

#endif

/* SPDX-License-Identifier: MIT */
/* Options and words that check, apply and revert have in common. */
#ifndef CLI_TRANSACTION_H
#define CLI_TRANSACTION_H

#include "cli/action.h"
#include "cli/options.h"
#include "cli/scopeword.h"

enum {
	TRANSACTION_TIMEOUT = OPTION_OWN,
	TRANSACTION_MAX_PAUSE,
	TRANSACTION_AT,
	TRANSACTION_STRICT,
	TRANSACTION_OWN,
};

struct transaction {
	uint64_t timeout_us;
	uint64_t max_pause_us; /* 0: no limit */
	const char *at;	       /* "any" or "safepoint" */
	bool strict;
	bool replace;
	bool count;
	bool best_effort;
	uint64_t confirm_us;	/* --confirm-within; 0: stays */
	bool wait;		/* for its confirmation */
	struct scopeword scope; /* apply: for which calls */
	const char *operand;	/* the file or the name */
};

enum { TRANSACTION_TIMEOUT_US = 10000000 };

#define TRANSACTION_OPTIONS                                                         \
	{.name = "timeout",                                                         \
	 .key = TRANSACTION_TIMEOUT,                                                \
	 .arg = "TIME",                                                             \
	 .doc = "keep trying for so long (10s)"},                                   \
		{.name = "max-pause",                                               \
		 .key = TRANSACTION_MAX_PAUSE,                                      \
		 .arg = "TIME",                                                     \
		 .doc = "give up rather than stop threads for longer"},             \
	{                                                                           \
		.name = "at", .key = TRANSACTION_AT, .arg = "WHEN",                 \
		.doc = "any (default), or safepoint: where the application says so" \
	}

/* Handles the options above. */
error_t transaction_option(struct transaction *transaction, int key, char *argument,
			   struct argp_state *state);

/* The parser of a command that has no others; cli->options is the transaction. */
error_t transaction_parse(int key, char *argument, struct argp_state *state);

/* {"timeout_us":…,…}; NULL without memory. */
struct json_object *transaction_params(const struct transaction *transaction);

/* What the operand of the command is. */
enum transaction_subject { TRANSACTION_NONE, TRANSACTION_FILE, TRANSACTION_NAME };

/*
 * Carries out the action, once the command line is parsed into *transaction (which is
 * cli->options): parameters, the patch's file with its signature, timeout. The exit code.
 */
int transaction_run(struct cli *cli, struct action *action, const struct transaction *transaction,
		    enum transaction_subject subject);

/* "2 functions, data of 1 variable". */
void transaction_put_extent(int64_t functions, int64_t data);

/* Words for an answer of apply or revert: "applied fix to arena (pid 4120)…". */
void transaction_show(const struct cli *cli, const struct subject *subject);
void transaction_brief(const struct subject *subject, char *text, size_t size);

#endif

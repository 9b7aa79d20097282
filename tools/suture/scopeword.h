/* SPDX-License-Identifier: MIT */
/* Which calls a patch is for: options of apply, check and scope, and words about the answer. */
#ifndef CLI_SCOPEWORD_H
#define CLI_SCOPEWORD_H

#include "cli/options.h"

#include "rpc/json.h"

/* Behind the keys of whoever has these options. */
enum {
	SCOPEWORD_SCOPE = OPTION_OWN + 64,
	SCOPEWORD_PERCENT,
	SCOPEWORD_NEW,
	SCOPEWORD_KEY,
	SCOPEWORD_ALL,
	SCOPEWORD_CLEAR,
};

#define SCOPEWORD_SHARED                                                      \
	{.name = "percent",                                                   \
	 .key = SCOPEWORD_PERCENT,                                            \
	 .arg = "N",                                                          \
	 .doc = "to scopes by a hash of their value: the same in every run"}, \
		{.name = "new",                                               \
		 .key = SCOPEWORD_NEW,                                        \
		 .arg = "KEY",                                                \
		 .doc = "to values of KEY that are first seen from now on"},  \
	{                                                                     \
		.name = "key", .key = SCOPEWORD_KEY, .arg = "KEY",            \
		.doc = "with --percent: of this key (default: the outermost)" \
	}

#define SCOPEWORD_OPTIONS                                                     \
	{.name = "scope",                                                     \
	 .key = SCOPEWORD_SCOPE,                                              \
	 .arg = "KEY=VALUE",                                                  \
	 .doc = "for the calls of this scope alone ('suture scope' widens)"}, \
		SCOPEWORD_SHARED

struct scopeword {
	const char *value; /* "room=42" */
	bool by_share;
	unsigned share; /* ten-thousandths */
	const char *fresh;
	const char *key;
	bool all;
	bool clear;
};

/* Handles the options above. */
error_t scopeword_option(struct scopeword *word, int key, char *argument, struct argp_state *state);

/* How many ways of choosing calls were given. */
unsigned scopeword_count(const struct scopeword *word);

/* Adds the parameters of the request; false without memory. */
bool scopeword_add(const struct scopeword *word, struct json_object *params);

/* "room=42, room=43", "5 % by room", "new match", "nobody"; "all" for no scope. */
void scopeword_format(struct json_object *scope, char *text, size_t size);

/* "12 known values have the new code, 3 the old"; empty for no scope. */
void scopeword_format_left(struct json_object *scope, char *text, size_t size);

#endif

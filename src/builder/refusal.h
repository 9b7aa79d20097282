/* SPDX-License-Identifier: MIT */
/*
 * Refusals: reasons why a diff can't become a patch. They are collected, not thrown: the user sees
 * all of them at once. A build with at least one refusal writes no patch.
 */
#ifndef BUILDER_REFUSAL_H
#define BUILDER_REFUSAL_H

#include <suture/error.h>

#include <stddef.h>

struct refusal {
	enum suture_code code;
	char *message; /* owned: what and where, one line or several */
	char *file;    /* owned, source file or NULL */
	unsigned line; /* 0 where unknown */
	char *next;    /* owned: what the user can do, or NULL */
};

struct refusals {
	struct refusal *list; /* owned */
	size_t count;
	bool failed; /* an allocation failed: refusals_check() */
};

/* file and next may be NULL. The message is formatted; texts are copied. What is
 * said already is not said again. */
void refusals_add(struct refusals *refusals, enum suture_code code, const char *file, unsigned line,
		  const char *next, const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* Moves all of `from` behind the others; `from` is empty afterwards. */
void refusals_take(struct refusals *refusals, struct refusals *from);

/* 0, or SUTURE_E_NO_MEMORY when a refusal could not be stored. */
int refusals_check(const struct refusals *refusals, struct suture_error *err);

void refusals_fini(struct refusals *refusals);

/* Names for a message, the first few: "on_move, on_buy and 3 more". Starts zeroed. */
struct refusal_names {
	char text[256];
	size_t count;
};

void refusal_names_add(struct refusal_names *names, const char *name);

/* Says how many more there are; once, after the last. */
void refusal_names_finish(struct refusal_names *names);

#endif

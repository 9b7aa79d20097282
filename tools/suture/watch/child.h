/* SPDX-License-Identifier: MIT */
/* Running a program: its output in memory, given up when something else becomes more important. */
#ifndef WATCH_CHILD_H
#define WATCH_CHILD_H

#include "base/bytes.h"

#include <suture/error.h>

#include <stdbool.h>
#include <sys/types.h>

struct child {
	int exit_code; /* 128 + signal where one ended it */
	bool cancelled;
	struct bytes out; /* NUL-terminated when not failed */
	struct bytes err;
};

/* What may be more important: when fd is readable, check() says whether it is. */
struct child_interrupt {
	int fd;
	bool (*check)(void *context);
	void *context;
};

/*
 * Runs argv and waits. Interrupted (interrupt may be NULL), the program is told to end, and
 * cancelled is set. The caller calls child_fini().
 */
int child_run(char *const *argv, const struct child_interrupt *interrupt, struct child *child,
	      struct suture_error *err);
void child_fini(struct child *child);

/* suture-build: beside this program, else from PATH. */
const char *child_builder(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Commands that the application registered (suture/command.h), and calling one.
 *
 * Threads: registering any; calling the worker.
 */
#ifndef AGENT_HOSTCOMMAND_H
#define AGENT_HOSTCOMMAND_H

#include "agent/server.h"

#include <suture/command.h>

#include <stdarg.h>

/* Once, at the start: a child of fork() finds the list whole, and its lock free. */
void hostcommand_guard_fork(void);

/* command NULL: unregisters. Waits for a call of it that is under way. */
int hostcommand_register(const char *name, const struct suture_command *command, void *arg);

void hostcommand_answer(struct suture_call *call, const char *format, va_list args);

/* The names that are registered; any thread. */
struct json_object *hostcommand_names(void);

/* The method "call". */
int hostcommand_run(struct server_call *call, struct json_object *params, int fd,
		    struct json_object **result, struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* Log lines: one write(2) each, so that lines of several threads don't mix. */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static atomic_int current_level = LOG_LEVEL_OFF;

static const char *const level_names[] = {"off", "error", "warn", "info", "debug"};

enum log_level log_level_from_name(const char *name)
{
	for (size_t i = 0; name && i < sizeof(level_names) / sizeof(level_names[0]); i++)
		if (strcmp(name, level_names[i]) == 0)
			return (enum log_level)i;
	return LOG_LEVEL_OFF;
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&current_level, (int)level, memory_order_relaxed);
}

void log_write(enum log_level level, const char *fmt, ...)
{
	char line[1200];
	int saved_errno = errno;
	int length;
	va_list args;

	if ((int)level > atomic_load_explicit(&current_level, memory_order_relaxed))
		return;
	length =
		snprintf(line, sizeof(line), "suture[%d]: %s: ", (int)getpid(), level_names[level]);
	va_start(args, fmt);
	length += vsnprintf(line + length, sizeof(line) - (size_t)length - 1, fmt, args);
	va_end(args);
	if ((size_t)length > sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length] = '\n';
	if (write(STDERR_FILENO, line, (size_t)length + 1) < 0) {
		/* Nowhere left to report it. */
	}
	errno = saved_errno;
}

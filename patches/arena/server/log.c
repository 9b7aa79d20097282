/*
 * Logging: a message is put together on the stack and leaves in one write, so that lines of
 * different threads never mix and no lock is held.
 */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static bool log_verbose;

void log_set_verbose(bool verbose)
{
	log_verbose = verbose;
}

void log_line(enum log_level level, const char *file, int line, const char *format, ...)
{
	static const char *const names[] = {"debug", "info", "warning"};
	char text[512];
	va_list arguments;
	int used;
	int more;

	if (level == LOG_DEBUG && !log_verbose)
		return;
	used = snprintf(text, sizeof(text), "arena: %s: %s:%d: ", names[level], file, line);
	va_start(arguments, format);
	more = vsnprintf(text + used, sizeof(text) - (size_t)used - 1, format, arguments);
	va_end(arguments);
	if (more < 0)
		return;
	used += more;
	if (used > (int)sizeof(text) - 2)
		used = (int)sizeof(text) - 2;
	text[used++] = '\n';
	/* A log that can't be written is no reason to stop the game. */
	if (write(STDERR_FILENO, text, (size_t)used) < 0)
		return;
}

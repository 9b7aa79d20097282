/* SPDX-License-Identifier: MIT */
/*
 * Log lines to standard error, off unless asked for: the agent never prints into a game's output
 * unless SUTURE_LOG=error|warn|info|debug says so. Not for stopped code (it formats and writes).
 * A function logs or returns an error, never both.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

enum log_level { LOG_LEVEL_OFF, LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Reads a level's name; unknown or NULL is LOG_LEVEL_OFF. */
enum log_level log_level_from_name(const char *name);

/* Any thread. */
void log_set_level(enum log_level level);

void log_write(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif

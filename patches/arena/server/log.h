/*
 * Logging: one line on stderr for each message, with the place in the source that wrote it.
 * Callable from every thread; debug lines appear only with --verbose.
 */
#ifndef ARENA_LOG_H
#define ARENA_LOG_H

#include <stdbool.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING };

void log_set_verbose(bool verbose);

__attribute__((format(printf, 4, 5))) void log_line(enum log_level level, const char *file,
                                                    int line, const char *format, ...);

#define log_debug(...)   log_line(LOG_DEBUG, __FILE_NAME__, __LINE__, __VA_ARGS__)
#define log_info(...)    log_line(LOG_INFO, __FILE_NAME__, __LINE__, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __FILE_NAME__, __LINE__, __VA_ARGS__)

#endif

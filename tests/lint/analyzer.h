/*
 * Put in front of every unit that clang-tidy reads: what the analyzer can't see from a declaration,
 * namely that these never return 0.
 */
#if __has_include("base/error.h")
#include "base/error.h"

#define error_set(...)	     ((error_set)(__VA_ARGS__), -1)
#define error_errno(...)     ((error_errno)(__VA_ARGS__), -1)
#define error_context(...)   ((error_context)(__VA_ARGS__), -1)
#define error_next(...)	     ((error_next)(__VA_ARGS__), -1)
#define error_no_memory(...) ((error_no_memory)(__VA_ARGS__), -1)
#endif

/* SPDX-License-Identifier: MIT */
/*
 * Error codes and the error object.
 *
 * Every function that can fail returns 0 or a negative enum suture_code and fills a caller-owned
 * struct suture_error. The origin of a failure sets it, callers add context in front. Codes and
 * names are stable: scripts and other people's tools rely on them (docs/PROTOCOL.md).
 */
#ifndef SUTURE_ERROR_H
#define SUTURE_ERROR_H

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * X(NAME, number, exit code of the command line, worth retrying, text)
 *
 * Exit codes: 1 internal, 2 usage, 3 no process or agent, 4 refused, 5 busy, 6 reverted after the
 * switch, 7 permission, 8 uncertain, 10 nothing to patch.
 */
#define SUTURE_ERRORS(X)                                                                        \
	X(INTERNAL, 1, 1, false, "internal error")                                              \
	X(NO_MEMORY, 2, 1, true, "out of memory")                                               \
	X(IO, 3, 1, false, "input or output failed")                                            \
	X(USAGE, 4, 2, false, "the request makes no sense")                                     \
	X(PROTOCOL, 5, 2, false, "the request is not well formed")                              \
	X(NO_PROCESS, 6, 3, false, "no such process")                                           \
	X(NO_AGENT, 7, 3, false, "no agent in the process")                                     \
	X(BAD_PATCH_FILE, 20, 4, false, "not a patch file that can be trusted")                 \
	X(ARCHITECTURE, 21, 4, false, "made for another architecture")                          \
	X(BUILD_ID, 22, 4, false, "made for another build of the target")                       \
	X(FUNCTION_CHANGED, 23, 4, false, "the function's bytes are not those it was made for") \
	X(UNPATCHABLE_ENTRY, 24, 4, false, "no jump fits the function's entry")                 \
	X(UNRESOLVED_SYMBOL, 25, 4, false, "a symbol can't be bound")                           \
	X(SHARED_ENTRY, 26, 4, false, "two functions share one entry and change differently")   \
	X(NEEDS_SAFEPOINT, 27, 4, false, "needs a safe point of the application")               \
	X(NOT_APPLIED, 28, 4, false, "no patch of that name is applied")                        \
	X(OLD_LOADER, 29, 4, false, "the C library's loader is too old")                        \
	X(NEW_TLS, 30, 4, false, "adds a thread-local variable")                                \
	X(DEPENDENCY, 31, 4, false, "another patch is needed or in the way")                    \
	X(HOOK_VETO, 32, 4, false, "a hook of the patch said no")                               \
	X(LAYOUT_CHANGED, 33, 4, false, "the layout of a type that live objects use changes")   \
	X(DATA_CHANGED, 34, 4, false, "the initial value of writable data changes")             \
	X(NEVER_IDLE, 35, 4, false, "the function never returns")                               \
	X(VERIFY_MISMATCH, 36, 4, false, "recompiled code differs from the binary")             \
	X(UNSUPPORTED, 37, 4, false, "not supported")                                           \
	X(NAME_TAKEN, 38, 4, false, "another patch of that name is applied")                    \
	X(NO_ROOM, 39, 4, false, "no free memory within reach of the target")                   \
	X(COMPILE_FAILED, 40, 4, false, "the compiler failed")                                  \
	X(DIFF_FAILED, 41, 4, false, "the diff does not apply")                                 \
	X(BAD_INPUT, 42, 4, false, "an input file is damaged or of the wrong kind")             \
	X(CONSTRUCTOR_CHANGED, 43, 4, false, "a static constructor changes")                    \
	X(COMMAND_FAILED, 44, 4, false, "the application's command failed")                     \
	X(SET_ASIDE, 45, 4, false, "installed, but left out since it was followed by crashes")  \
	X(BUSY_STACK, 60, 5, true, "a thread is inside a function to be replaced")              \
	X(PAUSE_BUDGET, 61, 5, true, "the pause would be longer than allowed")                  \
	X(UNSTOPPABLE_THREAD, 62, 5, true, "a thread did not stop")                             \
	X(TIMEOUT, 63, 5, true, "timed out")                                                    \
	X(AGENT_BUSY, 64, 5, true, "the agent is at work for somebody else")                    \
	X(HOOK_FAILED, 80, 6, false, "a hook failed after the switch")                          \
	X(NOT_CONFIRMED, 81, 6, false, "not confirmed in time")                                 \
	X(PERMISSION, 90, 7, false, "not permitted")                                            \
	X(SIGNATURE, 91, 7, false, "the signature is missing or wrong")                         \
	X(UNCERTAIN, 100, 8, false, "the state of the process is uncertain")                    \
	X(NOTHING, 110, 10, false, "nothing to patch")

enum suture_code {
	SUTURE_OK = 0,
#define SUTURE_ERROR_ENUM(name, number, exit_code, retryable, text) SUTURE_E_##name = number,
	SUTURE_ERRORS(SUTURE_ERROR_ENUM)
#undef SUTURE_ERROR_ENUM
};

enum {
	SUTURE_ERROR_MESSAGE_SIZE = 1024,
	SUTURE_ERROR_NEXT_SIZE = 256,
};

/* Caller-owned. All texts are NUL-terminated, cut off rather than overrun. */
struct suture_error {
	enum suture_code code;
	char message[SUTURE_ERROR_MESSAGE_SIZE]; /* what and where, one line or several */
	char next[SUTURE_ERROR_NEXT_SIZE];	 /* what the user can do; may be empty */
};

/* "BUSY_STACK" for SUTURE_E_BUSY_STACK; "UNKNOWN" for no code of ours. Static storage. */
const char *suture_code_name(enum suture_code code);

/* One sentence without a full stop. Static storage. */
const char *suture_code_text(enum suture_code code);

/* Exit code of the command line (0 for SUTURE_OK, 1 for a code that is none). */
int suture_code_exit(enum suture_code code);

/* True when the same call may succeed later without anything else being changed. */
bool suture_code_retryable(enum suture_code code);

/* The code of that name, or SUTURE_E_INTERNAL if there is none. */
enum suture_code suture_code_from_name(const char *name);

#ifdef __cplusplus
}
#endif

#endif

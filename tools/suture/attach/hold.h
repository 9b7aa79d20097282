/* SPDX-License-Identifier: MIT */
/*
 * Whether the borrowed thread has to stay away until the library is loaded. A child that is born
 * while another thread loads one has the loader's lock as it was then, held by nobody: it hangs in
 * its next dlopen(), as for PAM or a name service. fork() waits for an agent that is there; for one
 * that is only being loaded nothing does, and for a clone() of the program's own nothing ever does.
 * The only thread of a program is the one that forks: while it is away nobody is born, and as it
 * was judged free, the loading waits for nothing that it has. Of several, any may fork; they are
 * not stopped.
 */
#ifndef ATTACH_HOLD_H
#define ATTACH_HOLD_H

#include <stdbool.h>
#include <sys/types.h>

/* Has it only this thread? */
bool hold_is_needed(pid_t pid, pid_t thread);

/* Does the one beside it sleep? For long it may do so only if somebody else has to do something. */
bool hold_is_blocked(pid_t pid, pid_t thread);

#endif

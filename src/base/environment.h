/* SPDX-License-Identifier: MIT */
/*
 * The variables that the agent's threads need at any time, as they were when the agent was started.
 *
 * getenv() beside a setenv() of the program's may read a list that has just been freed; nothing
 * that runs on a thread of ours may call it.
 */
#ifndef BASE_ENVIRONMENT_H
#define BASE_ENVIRONMENT_H

/*
 * Keeps them from now on, again at each call. On the thread that starts the agent, one at a time.
 * A program that never calls this (the command line) has them read where they are asked for.
 */
void environment_keep(void);

/*
 * $SUTURE_DIR or $TMPDIR: NULL where it is not set or is empty, or the process is privileged and
 * its caller is not to be trusted. Any thread. What was returned stays valid.
 */
const char *environment_get(const char *name);

#endif

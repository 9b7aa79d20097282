/* SPDX-License-Identifier: MIT */
/* What the files of libsuture.so itself share. */
#ifndef AGENT_LIFETIME_H
#define AGENT_LIFETIME_H

/*
 * Applies what is installed for this process and returns when that is done, or has taken too long:
 * then it goes on by itself. Where nothing is installed, or the agent does not run: nothing. The
 * main thread, before main().
 */
void lifetime_restore(void);

#endif

/* SPDX-License-Identifier: MIT */
/* An agent that comes after the program's start. */
#ifndef AGENT_LATE_H
#define AGENT_LATE_H

/*
 * Safe points and scopes of modules that were there before us find us from now on (suture/late.h).
 * Where the loader has bound them already nothing happens. Once, from the library's constructor;
 * the program runs meanwhile.
 */
void late_be_found(void);

#endif

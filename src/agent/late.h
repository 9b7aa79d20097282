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

/*
 * What programs say once, at their start: a program that had no agent then said it to nobody.
 */
enum late_unheard {
	LATE_COMMANDS = 1,
	LATE_OBJECTS = 2,
	LATE_FIBERS = 4, /* those that it adds from now on are known */
};

/* Which of these some module says, and we were not there to hear. Bits. Any thread. */
unsigned late_unheard(void);

#endif

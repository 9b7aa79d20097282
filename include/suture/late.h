/* SPDX-License-Identifier: MIT */
/*
 * How the inline functions of the other headers find the agent, which need not be there, and may be
 * attached at any time: nothing here is for programs to use.
 *
 * SUTURE_FOUND(symbol) is the address of one of the agent's symbols as it is at this moment, NULL
 * while there is none. The loader leaves the slot of a weak symbol that nobody defines at 0 (in the
 * table that position independent code reads addresses from, the GOT); an agent that comes later
 * fills it in. A compiler takes addresses for constants: it would read the slot once before a loop,
 * or, with -fno-pie, not at all. So the slot is read by hand.
 */
#ifndef SUTURE_LATE_H
#define SUTURE_LATE_H

#if defined(__x86_64__) && defined(__LP64__)
#define SUTURE_FOUND(symbol)                                                                 \
	__extension__({                                                                      \
		__typeof__(&(symbol)) found_;                                                \
		__asm__ volatile(".weak " #symbol "\n\tmovq " #symbol "@GOTPCREL(%%rip), %0" \
				 : "=r"(found_));                                            \
		found_;                                                                      \
	})
#else
#define SUTURE_FOUND(symbol) (&(symbol))
#endif

#endif

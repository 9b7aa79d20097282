/* SPDX-License-Identifier: MIT */
/* Does a function of the binary ever return? An event loop or a thread's body does not. */
#ifndef BUILDER_RETURNS_H
#define BUILDER_RETURNS_H

#include "binary.h"

#include <stdint.h>

enum returns {
	RETURNS_MAYBE,	 /* there is a way out, or none can be ruled out */
	RETURNS_BY_EXIT, /* it loops, and leaves by ending the process or its thread */
	RETURNS_NEVER,	 /* it loops without a way out */
};

/*
 * Ways out are a return, a jump elsewhere or through a register, and what can't be decoded. Jumps
 * into [cold, cold + cold_size), the function's cold part, are none by themselves: the caller asks
 * for that part too.
 */
enum returns returns_of(const struct binary *binary, uint64_t address, uint64_t size, uint64_t cold,
			uint64_t cold_size);

#endif

/* SPDX-License-Identifier: MIT */
/* Does a function of the binary ever return? An event loop or a thread's body does not. */
#ifndef BUILDER_RETURNS_H
#define BUILDER_RETURNS_H

#include "binary.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * True when the code has a loop and no way out: no return, no jump elsewhere, none through a
 * register. Jumps into [cold, cold + cold_size), the function's cold part, are no way out by
 * themselves: the caller asks for that part too. What can't be decoded counts as a way out.
 */
bool returns_never(const struct binary *binary, uint64_t address, uint64_t size, uint64_t cold,
		   uint64_t cold_size);

#endif

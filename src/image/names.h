/* SPDX-License-Identifier: MIT */
/*
 * Names for addresses, for messages only: from a module's file where it can be read and is the
 * same build (.symtab, with static functions), else from its dynamic symbols. Plan phase only.
 */
#ifndef IMAGE_NAMES_H
#define IMAGE_NAMES_H

#include "image/image.h"

/*
 * Writes "function+0x12 (module)", "0x1234 (module)" or "0x7f…" to text, cut off at size bytes.
 * `exact` tells that address is a program counter; else it is a return address, and the byte before
 * it decides.
 */
void names_describe(const struct image *image, uintptr_t address, bool exact, char *text,
		    size_t size);

#endif

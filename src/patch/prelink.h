/* SPDX-License-Identifier: MIT */
/*
 * Moves a patch to a chosen base in its file, before anything is mapped: afterwards its link-time
 * addresses are its run-time addresses, and the loader has nothing to decide.
 */
#ifndef PATCH_PRELINK_H
#define PATCH_PRELINK_H

#include "patch/file.h"

/*
 * data is a private copy of file's bytes, of the same size. base is added to every address in
 * program and section headers, dynamic entries, symbols and relocations. Cannot fail: file was
 * validated.
 */
void prelink_move(const struct patch_file *file, uint8_t *data, uint64_t base);

#endif

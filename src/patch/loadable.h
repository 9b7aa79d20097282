/* SPDX-License-Identifier: MIT */
/* What the system's loader will see of a patch file: checked before it gets to see it. */
#ifndef PATCH_LOADABLE_H
#define PATCH_LOADABLE_H

#include "patch/file.h"

/* Fills ehdr, phdrs and shdrs; refuses what is no shared object of this processor. */
int loadable_open(struct patch_file *file, const char *label, struct suture_error *err);

/*
 * After loadable_open(). Fills, phdrs, shdrs, low, high and alignment from data and size, and
 * refuses whatever a patch may not bring: undefined symbols, needed libraries, constructors of its
 * own, thread-local storage, text relocations, executable stacks, segments both writable and
 * executable.
 */
int loadable_check(struct patch_file *file, const char *label, struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* Direct branches from one function into the middle of another: compilers make few, assembly may.
 */
#ifndef CLI_CROSSINGS_H
#define CLI_CROSSINGS_H

#include "cli/codefile.h"

/*
 * Adds where they lead to the labels of file->object. What follows an instruction that can't be
 * decoded, and what lies in no function, is not looked at.
 */
int crossings_add(struct codefile *file, struct suture_error *err);

#endif

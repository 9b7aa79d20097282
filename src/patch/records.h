/* SPDX-License-Identifier: MIT */
/* What the records of a patch file's tables say, held against the tables and segments. Any thread.
 */
#ifndef PATCH_RECORDS_H
#define PATCH_RECORDS_H

#include "patch/file.h"

/*
 * The first thing that is wrong with them, in words, or NULL. The tables have been found and there
 * is one header; the file's name is not set yet.
 */
const char *records_fault(const struct patch_file *file);

#endif

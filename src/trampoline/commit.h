/* SPDX-License-Identifier: MIT */
/* What edit.c and commit.c share; the folder's own. */
#ifndef TRAMPOLINE_COMMIT_H
#define TRAMPOLINE_COMMIT_H

#include "trampoline/edit.h"

enum { COMMIT_PAGE = 4096 };

/* 0 when all old bytes are in place, else a code of edit.h with set->failure filled in. */
int commit_check_stopped(struct code_edit_set *set);

#endif

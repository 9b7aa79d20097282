/* SPDX-License-Identifier: MIT */
/*
 * The functions of a binary, as a survey wants them: from its symbol table or that of its separate
 * debug file, at the addresses that it might have in a process.
 */
#ifndef CLI_CODEFILE_H
#define CLI_CODEFILE_H

#include "binary/binary.h"
#include "trampoline/survey.h"

struct codefile {
	struct arena arena;
	struct binary binary;
	uintptr_t bias; /* a load address that is likely: 0 unless position independent */
	struct survey_object object;
};

/* Memory is in the arena; codefile_close() in every case. */
int codefile_open(struct codefile *file, const char *path, struct suture_error *err);
void codefile_close(struct codefile *file);

/* BAD_INPUT where it has none: a stripped file. */
int codefile_need_functions(const struct codefile *file, struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* Asking a compiler; see compiler.h. */
#include "builder/compiler.h"

#include "builder/path.h"
#include "builder/process.h"

#include "base/file.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/*
 * An option that gcc has and clang refuses: nothing has to be read of what either says. False where
 * it could not be asked.
 */
static bool ask(const char *name, const char *directory, const struct strings *environment,
		bool *is_clang)
{
	struct strings argv = {0};
	struct process_job job = {
		.argv = &argv, .directory = directory, .environment = environment};
	bool asked;

	strings_add(&argv, name);
	strings_add(&argv, "-fno-canonical-system-headers");
	strings_add(&argv, "-fsyntax-only");
	strings_add(&argv, "-xc");
	strings_add(&argv, "/dev/null");
	asked = strings_ok(&argv) && process_run(&job, 1, 1, NULL, NULL, NULL) == 0;
	*is_clang = asked && WIFEXITED(job.status) && WEXITSTATUS(job.status) == 1;
	strings_fini(&argv);
	return asked;
}

bool compiler_is_clang(const char *name, const char *directory, const struct strings *environment)
{
	/* A tree has one for C and one for C++: their last answers are kept. */
	static struct {
		char name[PATH_MAX];
		bool is_clang;
	} answers[2];
	cleanup_memory char *real = *name == '/' ? realpath(name, NULL) : NULL;
	const char *base = path_base(real ? real : name);
	size_t slot = strstr(path_base(name), "++") != NULL;

	if (strstr(path_base(name), "clang") || strstr(base, "clang"))
		return true;
	if (strstr(base, "gcc") || strstr(base, "g++") || strlen(name) >= PATH_MAX)
		return false;
	if (strcmp(name, answers[slot].name) != 0) {
		answers[slot].name[0] = '\0';
		if (ask(name, directory, environment, &answers[slot].is_clang))
			strcpy(answers[slot].name, name);
	}
	return answers[slot].is_clang;
}

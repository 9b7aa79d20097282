/* SPDX-License-Identifier: MIT */
/* Sources below src/, objects and binaries below build/, and a diff: what whole builds need. */
#ifndef TESTS_BUILDER_PROJECT_H
#define TESTS_BUILDER_PROJECT_H

#include "tree.h"

#include "builder/build.h"
#include "builder/process.h"

/* Runs a program in the build folder. */
static inline void run(const char *const *arguments)
{
	struct process_job job = {.directory = tree_path("build"), .error_path = tree_path("log")};
	struct strings argv = {0};

	for (; *arguments; arguments++)
		strings_add(&argv, *arguments);
	job.argv = &argv;
	assert_int_equal(process_run(&job, 1, 1, NULL, NULL, NULL), 0);
	if (job.status)
		fail_msg("%s", tree_read(tree_path("log")));
	strings_fini(&argv);
}

/* A diff that puts `new_text` in the place of a source's text, made by diff(1). */
static inline void make_diff(const char *name, const char *new_text)
{
	struct process_job job = {.directory = tree_top, .out_path = tree_path("change.diff")};
	struct strings argv = {0};
	char label[2][300];

	tree_write("changed", new_text);
	snprintf(label[0], sizeof(label[0]), "--label=a/%s", name);
	snprintf(label[1], sizeof(label[1]), "--label=b/%s", name);
	strings_add(&argv, "diff");
	strings_add(&argv, "-u");
	strings_add(&argv, label[0]);
	strings_add(&argv, label[1]);
	strings_add_format(&argv, "%s/src/%s", tree_top, name);
	strings_add_format(&argv, "%s/changed", tree_top);
	job.argv = &argv;
	assert_int_equal(process_run(&job, 1, 1, NULL, NULL, NULL), 0);
	strings_fini(&argv);
}

static inline void explain(const struct build_result *result)
{
	for (size_t i = 0; i < result->refusals.count; i++)
		print_message("%s\n", result->refusals.list[i].message);
	for (size_t i = 0; i < result->core.function_count; i++)
		print_message("%s\n", result->core.functions[i].name);
}

/* compile_commands.json for src/unit.c, compiled to build/unit.o by COMPILER FLAGS. */
static inline void write_commands(const char *compiler, const char *flags, const char *extra)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "[{\"directory\":\"%s/build\",\"file\":\"../src/unit.c\",\"command\":\"%s %s -c "
		 "../src/unit.c -o unit.o\"}%s]",
		 tree_top, compiler, flags, extra);
	tree_write("build/compile_commands.json", text);
}

#endif

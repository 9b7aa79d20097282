/* SPDX-License-Identifier: MIT */
/*
 * Small units for the core's tests: each is compiled as V, O and P, linked with a main of its own,
 * and given to core_build(). Everything lives in a temporary folder that the kit removes.
 */
#ifndef TESTS_BUILDER_CORE_KIT_H
#define TESTS_BUILDER_CORE_KIT_H

#include "builder/core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct kit {
	char dir[64];
	const char *compiler;  /* "gcc" */
	const char *extension; /* "c" or "cc" */
	const char *flags;
	const char *v_flags; /* instead of flags for V alone, or NULL */
	const char *link;
	const char *decision; /* variable that may change, or NULL */
	enum core_data_policy policy;
	const char *witness; /* an object in dir of a unit that is not affected, or NULL */
	struct core_result result;
	struct suture_error err;
	int code;
	bool debug_matters;
	bool described; /* od.o and pd.o are the descriptions of o.o and p.o */
};

static inline void kit_run(const char *fmt, ...)
{
	char command[2048];
	va_list args;

	va_start(args, fmt);
	vsnprintf(command, sizeof(command), fmt, args);
	va_end(args);
	if (system(command) != 0)
		fail_msg("%s", command);
}

static inline void kit_write(const struct kit *kit, const char *name, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", kit->dir, name);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static inline void kit_open(struct kit *kit)
{
	strcpy(kit->dir, "/tmp/suture-core-XXXXXX");
	assert_non_null(mkdtemp(kit->dir));
	if (!kit->compiler)
		kit->compiler = "gcc";
	if (!kit->extension)
		kit->extension = "c";
	if (!kit->flags)
		kit->flags = "-O2";
	if (!kit->link)
		kit->link = "";
	/* The same base name, as a build has it; P in a folder of its own. */
	kit_run("mkdir %s/p", kit->dir);
}

static inline void kit_close(struct kit *kit)
{
	core_result_fini(&kit->result);
	kit_run("rm -rf %s", kit->dir);
}

/* Compiles and links; `other` is a second unit with main(), not affected. */
static inline void kit_compile(struct kit *kit, const char *before, const char *after,
			       const char *other)
{
	static const char sections[] = "-g -ffunction-sections -fdata-sections";
	char name[64];

	snprintf(name, sizeof(name), "unit.%s", kit->extension);
	kit_write(kit, name, before);
	snprintf(name, sizeof(name), "p/unit.%s", kit->extension);
	kit_write(kit, name, after);
	snprintf(name, sizeof(name), "other.%s", kit->extension);
	kit_write(kit, name, other);
	kit_run("cd %s && %s %s -w -c unit.%s -o linked.o && %s %s -w -c other.%s -o other.o && "
		"%s -Wl,--build-id %s linked.o other.o -o prog",
		kit->dir, kit->compiler, kit->flags, kit->extension, kit->compiler, kit->flags,
		kit->extension, kit->compiler, kit->link);
	kit_run("cd %s && %s %s -w -c unit.%s -o v.o && %s %s %s -w -c unit.%s -o o.o", kit->dir,
		kit->compiler, kit->v_flags ? kit->v_flags : kit->flags, kit->extension,
		kit->compiler, kit->flags, sections, kit->extension);
	kit_run("cd %s/p && %s %s %s -w -c unit.%s -o ../p.o", kit->dir, kit->compiler, kit->flags,
		sections, kit->extension);
}

/* The verdict on what kit_compile() made; with a patch file in dir/patch.so. */
static inline void kit_verdict(struct kit *kit)
{
	char v[80], o[80], p[80], od[80], pd[80], prog[80], patch[80], witness[80];
	const char *witnesses[] = {witness};
	struct core_data_decision decision = {kit->decision, kit->policy};
	struct core_pair provenance = {"builder", "test"};
	struct unit_objects unit = {.source = "unit",
				    .v_path = v,
				    .o_path = o,
				    .p_path = p,
				    .compiler = kit->compiler,
				    .o_described = kit->described ? od : NULL,
				    .p_described = kit->described ? pd : NULL,
				    .debug_matters = kit->debug_matters};
	struct core_options options = {.binary = prog,
				       .name = "test",
				       .description = "a test",
				       .decisions = &decision,
				       .decision_count = kit->decision != NULL,
				       .witnesses = witnesses,
				       .witness_count = kit->witness != NULL,
				       .provenance = &provenance,
				       .provenance_count = 1};

	snprintf(v, sizeof(v), "%s/v.o", kit->dir);
	snprintf(o, sizeof(o), "%s/o.o", kit->dir);
	snprintf(p, sizeof(p), "%s/p.o", kit->dir);
	snprintf(od, sizeof(od), "%s/od.o", kit->dir);
	snprintf(pd, sizeof(pd), "%s/pd.o", kit->dir);
	snprintf(witness, sizeof(witness), "%s/%s", kit->dir, kit->witness ? kit->witness : "");
	snprintf(prog, sizeof(prog), "%s/prog", kit->dir);
	snprintf(patch, sizeof(patch), "%s/patch.so", kit->dir);
	core_result_fini(&kit->result);
	kit->code = core_build(&options, &unit, 1, patch, &kit->result, &kit->err);
}

static inline void kit_build(struct kit *kit, const char *before, const char *after,
			     const char *other)
{
	kit_open(kit);
	kit_compile(kit, before, after, other);
	kit_verdict(kit);
}

static inline void kit_expect(struct kit *kit, enum core_outcome outcome)
{
	if (kit->code)
		fail_msg("%s %s: %s", kit->compiler, kit->flags, kit->err.message);
	if (kit->result.outcome != outcome)
		fail_msg("%s %s: outcome %d, %s", kit->compiler, kit->flags, kit->result.outcome,
			 kit->result.refusals.count ? kit->result.refusals.list[0].message
						    : "no refusal");
}

/* The functions of the patch, by name, are exactly these: "changed one" or "new two", blanks
 * between. */
static inline void kit_expect_functions(struct kit *kit, const char *expected)
{
	char found[1024] = "";

	for (size_t i = 0; i < kit->result.function_count; i++) {
		const struct core_function *f = &kit->result.functions[i];
		size_t used = strlen(found);

		snprintf(found + used, sizeof(found) - used, "%s%s:%s", used ? " " : "",
			 core_function_kind_name(f->kind), f->name);
	}
	if (strcmp(found, expected) != 0)
		fail_msg("%s %s: functions \"%s\", expected \"%s\"", kit->compiler, kit->flags,
			 found, expected);
}

static inline void kit_expect_refusal(struct kit *kit, enum suture_code code, const char *part)
{
	kit_expect(kit, CORE_REFUSED);
	for (size_t i = 0; i < kit->result.refusals.count; i++)
		if (kit->result.refusals.list[i].code == code &&
		    strstr(kit->result.refusals.list[i].message, part))
			return;
	fail_msg("%s %s: no refusal %s with \"%s\"; the first is %s: %s", kit->compiler, kit->flags,
		 suture_code_name(code), part, suture_code_name(kit->result.refusals.list[0].code),
		 kit->result.refusals.list[0].message);
}

#endif

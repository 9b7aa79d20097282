/* SPDX-License-Identifier: MIT */
/* The patch file: equal for equal input, self-contained, nothing for the loader to resolve or run.
 */
#include "core_kit.h"

#include <elf.h>

static const char before[] =
	"#include <stdio.h>\n#include <stdlib.h>\n"
	"extern int other(int);\nextern __thread int shared;\n"
	"static int hidden = 5;\n"
	"int work(int x) { return printf(\"%d\\n\", x) + other(x) + hidden++ + shared; }\n";
static const char after[] = "#include <stdio.h>\n#include <stdlib.h>\n"
			    "extern int other(int);\nextern __thread int shared;\n"
			    "static int hidden = 5;\n"
			    "int work(int x) { return printf(\"%d!\\n\", x) + other(x) + hidden-- "
			    "+ shared + atoi(\"7\"); }\n";
static const char other[] =
	"int work(int);\n__thread int shared = 2;\nint other(int x) { return x * 3; }\n"
	"int main(int argc, char **argv) { (void)argv; return work(argc); }\n";

static void output_is_deterministic_and_needs_nothing(void **state)
{
	static const struct {
		const char *flags, *link;
	} modes[] = {{"-O0", ""}, {"-O2", ""}, {"-O2 -fPIC", ""}, {"-O2 -fno-pie", "-no-pie"}};

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct kit kit = {.flags = modes[i].flags, .link = modes[i].link};

		kit_build(&kit, before, after, other);
		kit_expect(&kit, CORE_PATCH);
		kit_expect_functions(&kit, "changed:work");
		kit_run("cd %s && mv patch.so first.so", kit.dir);
		kit_verdict(&kit);
		kit_expect(&kit, CORE_PATCH);
		kit_run("cd %s && cmp patch.so first.so", kit.dir);
		kit_run("cd %s && ! nm patch.so | grep -q ' U '", kit.dir);
		kit_run("cd %s && nm -D patch.so | grep -q ' W work$'", kit.dir);
		kit_run("cd %s && ! readelf -dW patch.so | grep -E "
			"'NEEDED|INIT|FINI|TEXTREL|RELA|JMPREL'",
			kit.dir);
		kit_close(&kit);
	}
}

/* A refused or empty verdict leaves what is at the output alone. */
static void no_patch_touches_no_file(void **state)
{
	struct kit kit = {0};

	(void)state;
	kit_open(&kit);
	kit_compile(&kit, before, before, other);
	kit_write(&kit, "patch.so", "precious");
	kit_verdict(&kit);
	kit_expect(&kit, CORE_NOTHING);
	kit_run("cd %s && test \"$(cat patch.so)\" = precious", kit.dir);
	kit_close(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(output_is_deterministic_and_needs_nothing),
		cmocka_unit_test(no_patch_touches_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

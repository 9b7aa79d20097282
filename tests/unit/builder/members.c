/* SPDX-License-Identifier: MIT */
/*
 * Which units a build is about: those of the binary, in a tree that makes other programs as well.
 */
#include "project.h"

/*
 * A tree of ninja's, whose log of dependencies is of all programs; it keeps no .d files. The other
 * program makes a header of the server's.
 */
static void make_programs(void)
{
	char text[2048];

	tree_write("src/price.h", "static inline int price(int item)\n{\n\treturn item * 3;\n}\n");
	tree_write("src/server.c", "#include \"price.h\"\n#include \"made.h\"\n"
				   "#include <stdio.h>\n"
				   "__attribute__((noinline)) void sell(int item)\n"
				   "{\n\tprintf(\"%d\\n\", price(item) + MADE);\n}\n"
				   "int main(int argc, char **argv)\n"
				   "{\n\t(void)argv;\n\tsell(argc);\n\treturn 0;\n}\n");
	tree_write("src/tool.c", "#include \"price.h\"\n"
				 "int main(int argc, char **argv)\n"
				 "{\n\t(void)argv;\n\treturn price(argc);\n}\n");
	tree_write("build/build.ninja",
		   "rule cc\n  command = gcc -O2 -g -I. -MD -MF $out.d -c $in -o $out\n"
		   "  depfile = $out.d\n  deps = gcc\n"
		   "rule link\n  command = gcc -Wl,--build-id $in -o $out\n"
		   "rule make\n  command = echo '#define MADE 1' > $out\n"
		   "rule archive\n  command = rm -f $out && ar rc $out $in\n"
		   "build server.o: cc ../src/server.c | made.h\n"
		   "build tool.o: cc ../src/tool.c\n"
		   "build parts.a: archive server.o\nbuild made.h: make | tool\n"
		   "build server: link parts.a\nbuild tool: link tool.o\n"
		   "default server tool\n");
	run((const char *[]){"ninja", NULL});
	snprintf(text, sizeof(text),
		 "[{\"directory\":\"%s/build\",\"file\":\"../src/tool.c\",\"command\":"
		 "\"gcc -O2 -g -I. -c ../src/tool.c -o tool.o\"},\n"
		 "{\"directory\":\"%s/build\",\"file\":\"../src/server.c\",\"command\":"
		 "\"gcc -O2 -g -I. -c ../src/server.c -o server.o\"}]",
		 tree_top, tree_top);
	tree_write("build/compile_commands.json", text);
}

/* The other program's unit is not in the binary: verifying it would refuse the patch. */
static void a_header_reaches_the_binarys_units_alone(void **state)
{
	const struct build_options options = {.build_dir = tree_path("build"),
					      .binary = tree_path("build/server"),
					      .output = tree_path("out.so"),
					      .diff = tree_path("change.diff"),
					      .parallel = 2};
	struct build_result result;
	struct suture_error err = {0};

	(void)state;
	make_programs();
	make_diff("price.h", "static inline int price(int item)\n{\n\treturn item * 4;\n}\n");
	if (build_run(&options, &result, &err))
		fail_msg("%s", err.message);
	explain(&result);
	assert_int_equal(result.outcome, CORE_PATCH);
	assert_int_equal(result.units.affected, 1);
	assert_int_equal(result.core.function_count, 1);
	assert_string_equal(result.core.functions[0].name, "sell");
	build_result_fini(&result);
}

/*
 * Two programs of one make tree, each with a main.c, which the distribution's flags give relative
 * names: compiled from its own folder, or by an absolute path as CMake does.
 */
static void make_mapped(bool absolute)
{
	static const char *const programs[] = {"server", "tool"};
	char text[2][4096], all[8300];

	tree_write("src/price.h", "static inline int price(int item)\n{\n\treturn item * 3;\n}\n");
	tree_write("src/server/main.c", "#include \"../price.h\"\n#include <stdio.h>\n"
					"__attribute__((noinline)) void sell(int item)\n"
					"{\n\tprintf(\"%d\\n\", price(item));\n}\n"
					"int main(int argc, char **argv)\n"
					"{\n\t(void)argv;\n\tsell(argc);\n\treturn 0;\n}\n");
	tree_write("src/tool/main.c", "#include \"../price.h\"\n"
				      "int main(int argc, char **argv)\n"
				      "{\n\t(void)argv;\n\treturn price(argc);\n}\n");
	assert_int_equal(path_make_folders(tree_path("build"), NULL), 0);
	for (int i = 0; i < 2; i++) {
		char folder[700], command[2048], script[3072];

		snprintf(folder, sizeof(folder), "%s/src/%s", tree_top, programs[i]);
		snprintf(command, sizeof(command),
			 "gcc -O2 -g '-ffile-prefix-map=%s=.' -c '%s%smain.c' -o '%s/build/%s.o'",
			 tree_top, absolute ? folder : "", absolute ? "/" : "", tree_top,
			 programs[i]);
		if (absolute)
			snprintf(folder, sizeof(folder), "%s/build", tree_top);
		snprintf(script, sizeof(script), "cd '%s' && %s", folder, command);
		run((const char *[]){"sh", "-c", script, NULL});
		snprintf(text[i], sizeof(text[i]),
			 "{\"directory\":\"%s\",\"file\":\"%s/src/%s/main.c\",\"command\":\"%s\"}",
			 folder, tree_top, programs[i], command);
	}
	run((const char *[]){"gcc", "-Wl,--build-id", "server.o", "-o", "server", NULL});
	snprintf(all, sizeof(all), "[%s,\n%s]", text[0], text[1]);
	tree_write("build/compile_commands.json", all);
}

/* Names are relative to a folder that nothing names: the commands' own maps say which it was. */
static void mapped_names_tell_programs_apart(void **state)
{
	const struct build_options options = {.build_dir = tree_path("build"),
					      .binary = tree_path("build/server"),
					      .output = tree_path("out.so"),
					      .diff = tree_path("change.diff"),
					      .parallel = 2};

	(void)state;
	for (int absolute = 0; absolute < 2; absolute++) {
		struct build_result result;
		struct suture_error err = {0};

		make_mapped(absolute);
		make_diff("price.h",
			  "static inline int price(int item)\n{\n\treturn item * 4;\n}\n");
		if (build_run(&options, &result, &err))
			fail_msg("%s", err.message);
		explain(&result);
		assert_int_equal(result.outcome, CORE_PATCH);
		assert_int_equal(result.units.affected, 1);
		assert_int_equal(result.core.function_count, 1);
		assert_string_equal(result.core.functions[0].name, "sell");
		build_result_fini(&result);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_header_reaches_the_binarys_units_alone,
						tree_setup, tree_teardown),
		cmocka_unit_test_setup_teardown(mapped_names_tell_programs_apart, tree_setup,
						tree_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

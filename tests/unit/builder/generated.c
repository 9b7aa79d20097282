/* SPDX-License-Identifier: MIT */
/*
 * Diffs of what a generator reads: "nothing to patch" would leave a hole open and say that there is
 * none. What was made from it is known by the rules of the build, by what it says itself, or by its
 * name.
 */
#include "project.h"

static const char unit_c[] = "#include \"version.h\"\n"
			     "int main(int argc, char **argv)\n"
			     "{\n\t(void)argv;\n\treturn argc + VERSION;\n}\n";

/* A program of unit.c and one more source. */
static void make_program(const char *more, const char *more_text)
{
	char text[2048], source[600];

	snprintf(source, sizeof(source), "src/%s", more);
	tree_write("src/unit.c", unit_c);
	tree_write("src/version.h", "#define VERSION 3\n");
	tree_write("src/version.h.in", "#define VERSION @N@\n");
	tree_write(source, more_text);
	tree_write("src/other.y", "item: NUMBER;\n");
	tree_write("src/tables.txt", "3 4 5\n");
	tree_write("src/Makefile.in", "all:\n");
	tree_write("build/keep", "");
	snprintf(source, sizeof(source), "../src/%s", more);
	run((const char *[]){"gcc", "-O1", "-c", "../src/unit.c", "-o", "unit.o", NULL});
	run((const char *[]){"gcc", "-O1", "-c", source, "-o", "more.o", NULL});
	run((const char *[]){"gcc", "-Wl,--build-id", "unit.o", "more.o", "-o", "program", NULL});
	snprintf(text, sizeof(text),
		 ",{\"directory\":\"%s/build\",\"file\":\"%s\",\"command\":\"gcc -O1 -c %s -o "
		 "more.o\"}",
		 tree_top, source, source);
	write_commands("gcc", "-O1", text);
}

static void build(struct build_result *result)
{
	const struct build_options options = {.build_dir = tree_path("build"),
					      .source_dir = tree_path("src"),
					      .binary = tree_path("build/program"),
					      .output = tree_path("out.so"),
					      .diff = tree_path("change.diff"),
					      .parallel = 2};
	struct suture_error err = {0};

	if (build_run(&options, result, &err))
		fail_msg("%s", err.message);
}

/* The diff of one input is refused, and names what is made from it. */
static void refused(const char *input, const char *made)
{
	struct build_result result;
	char text[200];

	make_diff(input, "something else\n");
	build(&result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_UNSUPPORTED);
	snprintf(text, sizeof(text), "%s is made from it", made);
	assert_non_null(strstr(result.refusals.list[0].message, text));
	build_result_fini(&result);
}

static void nothing(const char *input, size_t notes)
{
	struct build_result result;

	make_diff(input, "something else\n");
	build(&result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_NOTHING);
	assert_int_equal(result.notes.count, notes);
	build_result_fini(&result);
}

static void what_a_source_says_of_itself_counts(void **state)
{
	(void)state;
	make_program("output.c", "#line 1 \"/elsewhere/tables.txt\"\nint table[] = {3, 4, 5};\n");
	refused("tables.txt", "output.c");
	nothing("other.y", 1);
	nothing("Makefile.in", 0);
	/* A mention that is no #line is none. */
	make_program("output.c", "/* See \"tables.txt\". */\nint table[] = {3, 4, 5};\n");
	nothing("tables.txt", 0);
	make_program("output.c", "int table[] = {3, 4, 5}; // tables.txt");
	tree_write("src/output.c", "tables.txt\"");
	nothing("tables.txt", 0);
}

/* What gperf wrote is included by a source that somebody wrote, and that has its name. */
static void what_an_included_file_says_of_itself_counts(void **state)
{
	static const char text[] = "#line %d \"tokens.gperf\"\n{ %d },\n";
	cleanup_memory char *tokens = NULL;
	cleanup_memory char *table = NULL;
	cleanup_memory char *both = NULL;
	char line[100];
	struct build_result result;

	(void)state;
	tree_write("src/tokens.gperf", "%%\none, 1\n");
	snprintf(line, sizeof(line), text, 2, 1);
	tree_write("src/tokens-gperf.inc", line);
	make_program("tokens.c", "static const struct token {\n\tint code;\n} tokens[] = {\n"
				 "#include \"tokens-gperf.inc\"\n};\n"
				 "int more(int i)\n{\n\treturn tokens[i].code;\n}\n");
	refused("tokens.gperf", "tokens-gperf.inc");
	tokens = tree_read(tree_path("change.diff"));
	snprintf(line, sizeof(line), text, 2, 7);
	make_diff("tokens-gperf.inc", line);
	table = tree_read(tree_path("change.diff"));
	assert_true(asprintf(&both, "%s%s", tokens, table) > 0);
	tree_write("change.diff", both);
	build(&result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_PATCH);
	build_result_fini(&result);
}

static void yacc_calls_its_output_always_the_same(void **state)
{
	(void)state;
	make_program("y.tab.c", "int parse(void)\n{\n\treturn 1;\n}\n");
	refused("other.y", "y.tab.c");
}

static void a_header_is_made_from_its_template(void **state)
{
	(void)state;
	make_program("more.c", "int more(void)\n{\n\treturn 1;\n}\n");
	refused("version.h.in", "version.h");
}

/* The parser is in the diff; its header, which has not changed, need not be. */
static void a_header_beside_a_changed_source_is_none_of_it(void **state)
{
	cleanup_memory char *grammar = NULL;
	cleanup_memory char *source = NULL;
	cleanup_memory char *both = NULL;
	struct build_result result;

	(void)state;
	tree_write("src/other.tab.h", "int parse(void);\n");
	make_program("other.tab.c",
		     "#include \"other.tab.h\"\nint parse(void)\n{\n\treturn 1;\n}\n");

	make_diff("other.y", "item: NUMBER | WORD;\n");
	grammar = tree_read(tree_path("change.diff"));
	make_diff("other.tab.c", "#include \"other.tab.h\"\nint parse(void)\n{\n\treturn 2;\n}\n");
	source = tree_read(tree_path("change.diff"));
	assert_true(asprintf(&both, "%s%s", grammar, source) > 0);
	tree_write("change.diff", both);
	build(&result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_PATCH);
	build_result_fini(&result);
}

/* clang's modules are compiled so: x.cppm to x.pcm, that to x.o. */
static void a_source_in_two_steps_is_refused(void **state)
{
	struct build_result result;
	char text[2048];

	(void)state;
	make_program("more.c", "int more(void)\n{\n\treturn 1;\n}\n");
	run((const char *[]){"gcc", "-E", "../src/more.c", "-o", "more.i", NULL});
	snprintf(text, sizeof(text),
		 ",{\"directory\":\"%s/build\",\"file\":\"../src/more.c\",\"command\":\"gcc -E "
		 "../src/more.c -o more.i\"},{\"directory\":\"%s/build\",\"file\":\"more.i\","
		 "\"command\":\"gcc -O1 -c more.i -o more.o\"}",
		 tree_top, tree_top);
	write_commands("gcc", "-O1", text);
	make_diff("more.c", "int more(void)\n{\n\treturn 2;\n}\n");
	build(&result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_non_null(strstr(result.refusals.list[0].message, "in two steps, by way of more.i"));
	build_result_fini(&result);
}

static void make_with_table(void)
{
	make_program("more.c", "#include \"../build/made by/table.h\"\n"
			       "int more(void)\n{\n\treturn TABLE;\n}\n");
}

/* The rules lead from the input to the header by way of a third file. */
static void rules_of_ninja_count(void **state)
{
	(void)state;
	tree_write("build/made by/table.h", "#define TABLE 3\n");
	make_with_table();
	tree_write("build/more.ninja", "build made$ by/table.h | ${dir}made$ by/table.h: $\n"
				       "    MAKE step.txt || ../src/other.txt\n"
				       "  COMMAND = make it: ../src/Makefile.in\n");
	tree_write("build/build.ninja", "# build x: MAKE ../src/Makefile.in\n"
					"build step.txt: MAKE generator | ../src/tables.txt\n"
					"build nobody.h: MAKE ../src/other.txt\n"
					"include more.ninja\n");
	refused("tables.txt", "table.h");
	tree_write("src/other.txt", "3\n");
	nothing("other.txt", 0);
	nothing("Makefile.in", 0);
}

static void rules_of_make_count(void **state)
{
	char text[600];

	(void)state;
	tree_write("build/made by/table.h", "#define TABLE 3\n");
	make_with_table();
	snprintf(text, sizeof(text), "# The targets' folders.\n%s/CMakeFiles/made.dir\n",
		 tree_path("build"));
	tree_write("build/CMakeFiles/TargetDirectories.txt", text);
	tree_write("build/CMakeFiles/made.dir/build.make",
		   "made\\ by/table.h: generator \\\n../src/tables.txt\n"
		   "\tgenerator ../src/Makefile.in\n");
	refused("tables.txt", "table.h");
	nothing("Makefile.in", 0);
	tree_write("build/CMakeFiles/made.dir/build.make", "\n");
	nothing("tables.txt", 0);
	tree_write("build/Makefile", "made\\ by/table.h:../src/tables.txt\n");
	refused("tables.txt", "table.h");
}

/* With the header in the diff, nothing is left out. */
static void what_rules_make_may_be_in_the_diff(void **state)
{
	cleanup_memory char *table = NULL;
	cleanup_memory char *header = NULL;
	cleanup_memory char *both = NULL;
	struct build_result result;

	(void)state;
	tree_write("src/table.h", "#define TABLE 3\n");
	make_program("more.c", "#include \"table.h\"\nint more(void)\n{\n\treturn TABLE;\n}\n");
	tree_write("build/build.ninja", "build ../src/table.h: MAKE ../src/tables.txt\n");
	refused("tables.txt", "table.h");
	table = tree_read(tree_path("change.diff"));
	make_diff("table.h", "#define TABLE 4\n");
	header = tree_read(tree_path("change.diff"));
	assert_true(asprintf(&both, "%s%s", table, header) > 0);
	tree_write("change.diff", both);
	build(&result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_PATCH);
	build_result_fini(&result);
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(what_a_source_says_of_itself_counts),
		in_tree(what_an_included_file_says_of_itself_counts),
		in_tree(yacc_calls_its_output_always_the_same),
		in_tree(a_header_is_made_from_its_template),
		in_tree(a_header_beside_a_changed_source_is_none_of_it),
		in_tree(a_source_in_two_steps_is_refused),
		in_tree(rules_of_ninja_count),
		in_tree(rules_of_make_count),
		in_tree(what_rules_make_may_be_in_the_diff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

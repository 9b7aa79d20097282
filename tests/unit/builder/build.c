/* SPDX-License-Identifier: MIT */
/*
 * Whole builds of a small program whose tree has blanks in its paths, a build folder elsewhere,
 * a generated header, macros that use __FILE__ and __LINE__, and one source compiled twice.
 */
#include "project.h"

static const char shop_c[] = "#include \"shop.h\"\n"
			     "#include \"../common/check.h\"\n"
			     "#include \"version.h\"\n"
			     "#include <stdio.h>\n"
			     "int shop_total;\n"
			     "__attribute__((noinline)) int shop_price(int item)\n"
			     "{\n"
			     "\tCHECK(item >= 0);\n"
			     "\treturn item * 3;\n"
			     "}\n"
			     "__attribute__((noinline)) void shop_print(int item)\n"
			     "{\n"
			     "\tCHECK(item < 100);\n"
			     "\tprintf(\"%s %s %d\\n\", NAME, VERSION, shop_price(item));\n"
			     "\tshop_total += item;\n"
			     "}\n";

static void make_program(void)
{
	static const char name[] = "-DNAME=\"a b\"";
	char text[8192], include[600], source[600], main_c[600];

	tree_write("src/shop/shop.c", shop_c);
	tree_write("src/shop/shop.h", "int shop_price(int item);\nvoid shop_print(int item);\n");
	tree_write("src/common/check.h",
		   "void check_failed(const char *file, int line);\n"
		   "#define CHECK(x) ((x) ? (void)0 : check_failed(__FILE__, __LINE__))\n");
	tree_write("src/main.c",
		   "#include \"shop.h\"\n"
		   "#include \"common/check.h\"\n"
		   "#include <stdio.h>\n#include <stdlib.h>\n"
		   "void check_failed(const char *file, int line)\n"
		   "{\n\tprintf(\"%s:%d\\n\", file, line);\n\texit(1);\n}\n"
		   "int main(int argc, char **argv)\n{\n\t(void)argv;\n\tshop_print(argc);\n"
		   "\treturn 0;\n}\n");
	tree_write("build/gen/version.h", "#define VERSION \"1.0\"\n");
	snprintf(include, sizeof(include), "-I%s", tree_path("src/shop"));
	snprintf(source, sizeof(source), "%s", tree_path("src/shop/shop.c"));
	snprintf(main_c, sizeof(main_c), "%s", tree_path("src/main.c"));
	run((const char *[]){"gcc", "-O2", name, include, "-Igen", "-c", source, "-o", "shop.o",
			     NULL});
	run((const char *[]){"gcc", "-O2", name, "-DOTHER", include, "-Igen", "-O0", "-c", source,
			     "-o", "other.o", NULL});
	run((const char *[]){"gcc", "-O2", include, "-c", main_c, "-o", "main.o", NULL});
	run((const char *[]){"gcc", "-Wl,--build-id", "main.o", "shop.o", "-o", "program", NULL});
	snprintf(
		text, sizeof(text),
		"[{\"directory\":\"%s/build\",\"file\":\"%s\",\"command\":\"gcc -O2 "
		"\\\"-DNAME=\\\\\\\"a b\\\\\\\"\\\" '%s' -Igen -c '%s' -o shop.o\"},\n"
		"{\"directory\":\"%s/build\",\"file\":\"%s\",\"arguments\":[\"gcc\",\"-O2\",\"%s\","
		"\"-c\",\"%s\",\"-o\",\"main.o\"]}]",
		tree_top, source, include, source, tree_top, main_c, include, main_c);
	tree_write("build/compile_commands.json", text);
}

static bool all_units;

static void build(struct build_result *result)
{
	const struct build_options options = {.build_dir = tree_path("build"),
					      .binary = tree_path("build/program"),
					      .output = tree_path("out.so"),
					      .diff = tree_path("change.diff"),
					      .all_units = all_units,
					      .parallel = 2};
	uint8_t before[2][HASH_SIZE] = {{0}}, after[2][HASH_SIZE] = {{0}};
	struct suture_error err = {0};

	tree_digest(tree_path("src"), before[0]);
	tree_digest(tree_path("build"), before[1]);
	if (build_run(&options, result, &err))
		fail_msg("%s", err.message);
	tree_digest(tree_path("src"), after[0]);
	tree_digest(tree_path("build"), after[1]);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(path_exists(tree_path("out.so")), result->outcome == CORE_PATCH);
	assert_string_equal(result->name, "change");
}

/* shop.c with one text for another. */
static void edit(const char *from, const char *to)
{
	char text[4096];
	const char *at = strstr(shop_c, from);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - shop_c), shop_c, to, at + strlen(from));
	make_diff("shop/shop.c", text);
}

static void one_function_changes(void **state)
{
	struct build_result result;

	(void)state;
	make_program();
	/* Lines move; shop_print() below has __LINE__ and __FILE__ in it, and must stay. */
	edit("return item * 3;", "if (item > 10)\n\t\treturn 30;\n\treturn item * 3;");
	build(&result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_PATCH);
	assert_int_equal(result.core.function_count, 1);
	assert_string_equal(result.core.functions[0].name, "shop_price");
	assert_string_equal(result.core.functions[0].unit, "shop/shop.c");
	assert_int_equal(result.units.affected, 1);
	build_result_fini(&result);
}

static void nothing_changes(void **state)
{
	struct build_result result;

	(void)state;
	make_program();
	edit("int shop_total;", "/* All that was sold. */\n\nint shop_total;");
	build(&result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_NOTHING);
	assert_int_equal(result.units.affected, 0);
	assert_false(result.unreached);
	build_result_fini(&result);
	/* A macro that nobody uses: compiled units are told apart by their tokens. */
	make_diff("common/check.h",
		  "void check_failed(const char *file, int line);\n#define UNUSED 1\n"
		  "#define CHECK(x) ((x) ? (void)0 : check_failed(__FILE__, __LINE__))\n");
	build(&result);
	assert_int_equal(result.outcome, CORE_NOTHING);
	assert_int_equal(result.units.affected, 2);
	assert_int_equal(result.units.skipped, 2);
	build_result_fini(&result);
	/* Other tokens, the same code. */
	edit("item * 3", "3 * item");
	build(&result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_NOTHING);
	assert_int_equal(result.units.compiled, 1);
	build_result_fini(&result);
}

/* The original against itself: every function of every unit is compared, and none differs. */
static void everything_against_itself_is_nothing(void **state)
{
	struct build_result result;

	(void)state;
	make_program();
	edit("int shop_total;", "/* All that was sold. */\n\nint shop_total;");
	all_units = true;
	build(&result);
	all_units = false;
	explain(&result);
	assert_int_equal(result.outcome, CORE_NOTHING);
	assert_int_equal(result.units.affected, 2);
	assert_int_equal(result.units.skipped, 0);
	assert_int_equal(result.core.verified.exact + result.core.verified.equivalent, 4);
	assert_int_equal(result.core.verified.different, 0);
	build_result_fini(&result);
}

static void a_header_reaches_its_units(void **state)
{
	struct build_result result;

	(void)state;
	make_program();
	make_diff("common/check.h",
		  "void check_failed(const char *file, int line);\n"
		  "#define CHECK(x) ((x) ? (void)0 : check_failed(__FILE__, __LINE__ + 1))\n");
	build(&result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_PATCH);
	assert_int_equal(result.units.skipped, 1); /* main.c includes it and uses no CHECK() */
	assert_int_equal(result.core.function_count, 2);
	build_result_fini(&result);
}

static void compile_errors_have_the_patched_lines(void **state)
{
	struct build_result result;

	(void)state;
	make_program();
	edit("int shop_total;", "int a;\nint b;\nint shop_total = nonsense;");
	build(&result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.count, 1);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_COMPILE_FAILED);
	assert_int_equal(result.refusals.list[0].line, 7);
	assert_string_equal(result.refusals.list[0].file, tree_path("src/shop/shop.c"));
	assert_non_null(strstr(result.refusals.list[0].message, "nonsense"));
	assert_null(strstr(result.refusals.list[0].message, "suture-build"));
	build_result_fini(&result);
}

/* A fix of a parser's grammar: "nothing to patch" would leave the hole open and say it is none. */
static void a_grammar_needs_what_is_made_from_it(void **state)
{
	cleanup_memory char *grammar = NULL;
	cleanup_memory char *source = NULL;
	cleanup_memory char *both = NULL;
	struct build_result result;

	(void)state;
	make_program();
	tree_write("src/shop/shop.y", "item: NUMBER { check(); }\n");
	make_diff("shop/shop.y", "item: NUMBER { check($1); }\n");
	build(&result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.count, 1);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_UNSUPPORTED);
	assert_non_null(strstr(result.refusals.list[0].message, "shop.c is made from it"));
	build_result_fini(&result);

	/* With what is made from it in the diff all is there. */
	grammar = tree_read(tree_path("change.diff"));
	edit("return item * 3;", "return item * 4;");
	source = tree_read(tree_path("change.diff"));
	assert_true(asprintf(&both, "%s%s", grammar, source) > 0);
	tree_write("change.diff", both);
	build(&result);
	assert_int_equal(result.outcome, CORE_PATCH);
	assert_int_equal(result.core.function_count, 1);
	build_result_fini(&result);
	assert_int_equal(unlink(tree_path("out.so")), 0);

	/* Of another program's grammar nothing is known. */
	tree_write("src/shop/other.y", "item: NUMBER { check(); }\n");
	make_diff("shop/other.y", "item: NUMBER { check($1); }\n");
	build(&result);
	assert_int_equal(result.outcome, CORE_NOTHING);
	assert_true(result.unreached);
	assert_int_equal(result.notes.count, 1);
	build_result_fini(&result);
}

static void the_last_way_out_is_told_once(void **state)
{
	static const char way[] = "suture-handover";
	cleanup_memory char *text = NULL;
	struct build_result result;
	const char *at;

	(void)state;
	make_program();
	text = tree_read(tree_path("src/main.c"));
	assert_non_null(strstr(text, "shop_print(argc);"));
	memcpy(strstr(text, "shop_print(argc);"), "shop_print(1234);", 17);
	make_diff("main.c", text);
	build(&result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.count, 1);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_NEVER_IDLE);
	at = strstr(result.refusals.list[0].next, way);
	assert_non_null(at);
	assert_null(strstr(at + 1, way));
	build_result_fini(&result);
}

static void absolute_includes_are_seen(void **state)
{
	struct build_result result;
	char text[1024];

	(void)state;
	make_program();
	snprintf(text, sizeof(text), "#define VERSION \"1.0\"\n#include \"%s/src/shop/extra.h\"\n",
		 tree_top);
	tree_write("src/shop/extra.h", "static inline int extra(int a) { return a; }\n");
	tree_write("build/gen/version.h", text);
	make_diff("shop/extra.h", "static inline int extra(int a) { return a + 1; }\n");
	build(&result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_UNSUPPORTED);
	build_result_fini(&result);
}

static void a_cancelled_build_leaves_nothing(void **state)
{
	struct build_result result;
	struct suture_error err = {0};
	const struct build_options options = {.build_dir = tree_path("build"),
					      .binary = tree_path("build/program"),
					      .output = tree_path("out.so"),
					      .diff = tree_path("change.diff")};

	(void)state;
	make_program();
	edit("return item * 3;", "return item * 4;");
	assert_int_equal(setenv("TMPDIR", tree_path("temporary"), 1), 0);
	assert_int_equal(mkdir(tree_path("temporary"), 0700), 0);
	process_cancel();
	assert_int_not_equal(build_run(&options, &result, &err), 0);
	process_uncancel();
	unsetenv("TMPDIR");
	assert_int_equal(rmdir(tree_path("temporary")), 0); /* empty */
	assert_false(path_exists(tree_path("out.so")));
	build_result_fini(&result);
}

static void a_missing_tmpdir_is_named(void **state)
{
	struct build_result result;
	struct suture_error err = {0};
	const struct build_options options = {.build_dir = tree_path("build"),
					      .binary = tree_path("build/program"),
					      .output = tree_path("out.so"),
					      .diff = tree_path("change.diff")};

	(void)state;
	make_program();
	edit("return item * 3;", "return item * 4;");
	assert_int_equal(setenv("TMPDIR", "/no/such/folder", 1), 0);
	assert_int_equal(build_run(&options, &result, &err), -(int)SUTURE_E_IO);
	unsetenv("TMPDIR");
	assert_string_equal(err.message, "no folder to work in can be made in /no/such/folder: "
					 "No such file or directory");
	assert_non_null(strstr(err.next, "TMPDIR"));
	build_result_fini(&result);
}

/* Of hundreds of errors the first ones, and none in part. */
static void long_complaints_are_cut(void **state)
{
	struct build_result result;
	char text[4096] = "";
	const char *message;

	(void)state;
	make_program();
	strcat(text, "int shop_total;");
	for (int i = 0; i < 90; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "\nint v%d = nonsense_%d;", i, i);
	make_diff("shop/shop.c", text);
	build(&result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_COMPILE_FAILED);
	message = result.refusals.list[0].message;
	assert_non_null(strstr(message, "nonsense_0"));
	assert_true(strlen(message) > 3000 && strlen(message) < 4200);
	assert_string_equal(message + strlen(message) - strlen("\n…"), "\n…");
	build_result_fini(&result);
}

/* A compiler whose objects are cut short: the user knows the source and the compiler, not our
 * files. */
static void a_damaged_object_has_its_sources_name(void **state)
{
	static const char script[] = "#!/bin/sh\ngcc \"$@\" || exit\ncase \"$*\" in "
				     "*-fdata-sections*) ;; *) exit 0;; esac\n"
				     "while [ \"$1\" != -o ]; do shift; done\nhead -c 900 \"$2\" "
				     ">\"$2.cut\"\nmv \"$2.cut\" \"$2\"\n";
	const struct build_options options = {.build_dir = tree_path("build"),
					      .binary = tree_path("build/program"),
					      .output = tree_path("out.so"),
					      .diff = tree_path("change.diff")};
	char compiler[600], text[2048], expected[700];
	struct build_result result;
	struct suture_error err = {0};

	(void)state;
	make_program();
	edit("item * 3", "item * 4");
	snprintf(compiler, sizeof(compiler), "%s", tree_path("gcc"));
	assert_int_equal(file_replace(compiler, script, strlen(script), 0755, NULL), 0);
	snprintf(text, sizeof(text),
		 "[{\"directory\":\"%s/build\",\"file\":\"%s/src/shop/shop.c\",\"arguments\":["
		 "\"%s\",\"-O2\",\"-DNAME=\\\"a "
		 "b\\\"\",\"-I%s/src/shop\",\"-Igen\",\"-c\",\"%s/src/shop/"
		 "shop.c\",\"-o\",\"shop.o\"]}]",
		 tree_top, tree_top, compiler, tree_top, tree_top);
	tree_write("build/compile_commands.json", text);
	if (build_run(&options, &result, &err))
		fail_msg("%s", err.message);
	snprintf(expected, sizeof(expected), "shop.c, compiled as it is by %s: ", compiler);
	assert_int_equal(result.outcome, CORE_REFUSED);
	if (!strstr(result.refusals.list[0].message, expected) ||
	    strstr(result.refusals.list[0].message, "suture-build."))
		fail_msg("%s", result.refusals.list[0].message);
	build_result_fini(&result);
}

static void names(void **state)
{
	char name[65];

	(void)state;
	build_name_from_path("fixes/Shop fix.diff", name);
	assert_string_equal(name, "Shop-fix");
	build_name_from_path("/x/.hidden.patch", name);
	assert_string_equal(name, "hidden");
	build_name_from_path("/x/0001-a.b.patch", name);
	assert_string_equal(name, "0001-a.b");
	assert_true(build_name_valid("a-b_c.1"));
	assert_false(build_name_valid(""));
	assert_false(build_name_valid("../x"));
	assert_false(build_name_valid(".x"));
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(one_function_changes),
		in_tree(nothing_changes),
		in_tree(everything_against_itself_is_nothing),
		in_tree(a_header_reaches_its_units),
		in_tree(compile_errors_have_the_patched_lines),
		in_tree(a_grammar_needs_what_is_made_from_it),
		in_tree(the_last_way_out_is_told_once),
		in_tree(absolute_includes_are_seen),
		in_tree(a_cancelled_build_leaves_nothing),
		in_tree(a_missing_tmpdir_is_named),
		in_tree(long_complaints_are_cut),
		in_tree(a_damaged_object_has_its_sources_name),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

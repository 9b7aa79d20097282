/* SPDX-License-Identifier: MIT */
/*
 * One source compiled several times: verification decides which compilation the binary has. And
 * objects of earlier builds: taken where nothing changed, never where something did.
 */
#include "project.h"

#include "builder/objcache.h"

static const char unit_c[] = "#include \"unit.h\"\n"
			     "#ifndef NAME\n#define NAME work\n#endif\n"
			     "__attribute__((noinline)) int NAME(int a)\n"
			     "{\n\tint sum = 0;\n\tfor (int i = 0; i < a; i++)\n"
			     "\t\tsum += i * STEP;\n\treturn sum;\n}\n";

static void make_sources(void)
{
	tree_write("src/unit.c", unit_c);
	tree_write("src/unit.h", "#define STEP 3\n");
	tree_write("src/main.c",
		   "int work(int a);\nint second(int a) __attribute__((weak));\n"
		   "int main(int c, char **v)\n"
		   "{\n\t(void)v;\n\treturn work(c) + (second ? second(c) : 0);\n}\n");
	tree_write("build/empty", "");
	run((const char *[]){"gcc", "-O2", "-c", "../src/main.c", "-o", "main.o", NULL});
	run((const char *[]){"gcc", "-O2", "-c", "../src/unit.c", "-o", "unit.o", NULL});
	run((const char *[]){"gcc", "-O0", "-c", "../src/unit.c", "-o", "debug.o", NULL});
	run((const char *[]){"gcc", "-O2", "-DNAME=second", "-c", "../src/unit.c", "-o", "second.o",
			     NULL});
}

/* The commands of unit.c: each with its flags and its object. */
static void write_entries(const char *const (*entries)[2], size_t count)
{
	char text[4096] = "[";

	for (size_t i = 0; i < count; i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used,
			 "%s{\"directory\":\"%s/build\",\"file\":\"../src/unit.c\",\"command\":"
			 "\"gcc %s -c ../src/unit.c -o %s\"}",
			 i ? "," : "", tree_top, entries[i][0], entries[i][1]);
	}
	strcat(text, "]");
	tree_write("build/compile_commands.json", text);
}

static void build_with(const char *cache, struct build_result *result)
{
	const struct build_options options = {.build_dir = tree_path("build"),
					      .binary = tree_path("build/program"),
					      .output = tree_path("out.so"),
					      .diff = tree_path("change.diff"),
					      .cache_dir = cache,
					      .parallel = 2};
	struct suture_error err = {0};

	if (build_run(&options, result, &err))
		fail_msg("%s", err.message);
}

/* unit.c with the loop's body changed. */
static void edit(const char *with)
{
	char text[1024];
	const char *at = strstr(unit_c, "i * STEP");

	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - unit_c), unit_c, with,
		 at + strlen("i * STEP"));
	make_diff("unit.c", text);
}

static void the_one_that_is_linked(void **state)
{
	static const char *const entries[][2] = {{"-O0", "debug.o"}, {"-O2", "unit.o"}};
	static const char *const objects[] = {"unit.o", "debug.o"};

	(void)state;
	make_sources();
	write_entries(entries, 2);
	edit("i * 5");
	for (size_t i = 0; i < 2; i++) {
		struct build_result result;

		run((const char *[]){"gcc", "-Wl,--build-id", "main.o", objects[i], "-o", "program",
				     NULL});
		build_with(NULL, &result);
		explain(&result);
		assert_int_equal(result.outcome, CORE_PATCH);
		assert_int_equal(result.units.affected, 1);
		assert_int_equal(result.core.function_count, 1);
		assert_int_equal(result.core.verified.different, 0);
		build_result_fini(&result);
	}
}

static void the_same_flags_twice(void **state)
{
	static const char *const entries[][2] = {{"-O2", "other.o"}, {"-O2", "unit.o"}};
	struct build_result result;

	(void)state;
	make_sources();
	write_entries(entries, 2);
	edit("i * 5");
	run((const char *[]){"gcc", "-Wl,--build-id", "main.o", "unit.o", "-o", "program", NULL});
	build_with(NULL, &result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_PATCH);
	assert_int_equal(result.units.affected, 1);
	assert_int_equal(result.core.function_count, 1);
	build_result_fini(&result);
}

static void both_are_linked(void **state)
{
	static const char *const entries[][2] = {{"-O2", "unit.o"},
						 {"-O2 -DNAME=second", "second.o"}};
	struct build_result result;

	(void)state;
	make_sources();
	write_entries(entries, 2);
	edit("i * 5");
	run((const char *[]){"gcc", "-Wl,--build-id", "main.o", "unit.o", "second.o", "-o",
			     "program", NULL});
	build_with(NULL, &result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_PATCH);
	assert_int_equal(result.units.affected, 2);
	assert_int_equal(result.core.function_count, 2);
	build_result_fini(&result);
}

static void none_is_linked(void **state)
{
	static const char *const entries[][2] = {{"-O1", "one.o"}, {"-O3", "three.o"}};
	struct build_result result;

	(void)state;
	make_sources();
	write_entries(entries, 2);
	edit("i * 5");
	run((const char *[]){"gcc", "-Wl,--build-id", "main.o", "debug.o", "-o", "program", NULL});
	build_with(NULL, &result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_VERIFY_MISMATCH);
	build_result_fini(&result);
}

/* The binary was built under another path, and one of its units has no debug information. */
static void built_elsewhere(void **state)
{
	struct build_result result;
	char map[400], text[4096];

	(void)state;
	make_sources();
	snprintf(map, sizeof(map), "-fdebug-prefix-map=%s=/elsewhere", tree_top);
	run((const char *[]){"gcc", "-O2", "-g", map, "-c", "../src/unit.c", "-o", "unit.o", NULL});
	run((const char *[]){"gcc", "-Wl,--build-id", "main.o", "unit.o", "-o", "program", NULL});
	snprintf(text, sizeof(text),
		 "[{\"directory\":\"%s/build\",\"file\":\"../src/main.c\",\"command\":"
		 "\"gcc -O2 -c ../src/main.c -o main.o\"},{\"directory\":\"%s/build\",\"file\":"
		 "\"../src/unit.c\",\"command\":\"gcc -O2 -g -c ../src/unit.c -o unit.o\"}]",
		 tree_top, tree_top);
	tree_write("build/compile_commands.json", text);
	edit("i * 5");
	build_with(NULL, &result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_PATCH);
	assert_int_equal(result.core.function_count, 1);
	build_result_fini(&result);
}

static void cached_objects(void **state)
{
	static const char *const entries[][2] = {{"-O2", "unit.o"}};
	char cache[300];
	struct build_result result;
	struct dirent **names;
	int count;

	(void)state;
	snprintf(cache, sizeof(cache), "%s", tree_path("cache"));
	make_sources();
	write_entries(entries, 1);
	edit("i * 5");
	run((const char *[]){"gcc", "-Wl,--build-id", "main.o", "unit.o", "-o", "program", NULL});
	for (unsigned round = 0; round < 2; round++) {
		build_with(cache, &result);
		assert_int_equal(result.outcome, CORE_PATCH);
		assert_int_equal(result.units.compiled, round ? 0 : 1);
		assert_int_equal(result.units.cached, round ? 1 : 0);
		build_result_fini(&result);
	}
	/* An edit behind the same times and names is seen: V is of other code than the binary. */
	tree_write("src/unit.h", "#define STEP 4\n");
	build_with(cache, &result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_VERIFY_MISMATCH);
	build_result_fini(&result);
	tree_write("src/unit.h", "#define STEP 3\n");
	/* A damaged entry is a miss. */
	count = scandir(cache, &names, NULL, alphasort);
	assert_true(count > 2);
	for (int i = 0; i < count; i++) {
		char name[300];

		snprintf(name, sizeof(name), "cache/%s", names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			tree_write(name, "no object, and no hash of one either, but long enough");
		free(names[i]);
	}
	free(names);
	build_with(cache, &result);
	assert_int_equal(result.outcome, CORE_PATCH);
	assert_int_equal(result.units.compiled, 1);
	build_result_fini(&result);
	objcache_trim(cache, 0);
	assert_int_equal(rmdir(cache), 0); /* empty */
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(the_one_that_is_linked), in_tree(the_same_flags_twice),
		in_tree(both_are_linked),	 in_tree(none_is_linked),
		in_tree(cached_objects),	 in_tree(built_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * What a build need not compile: objects of the build tree as V, and objects of earlier builds.
 * Neither may ever change the verdict, and equal input gives equal bytes whatever was kept.
 */
#include "project.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <utime.h>

static const char unit_c[] = "int limit = 7;\n"
			     "__attribute__((noinline)) int bound(int a)\n"
			     "{\n\treturn a > limit ? limit : a * 3;\n}\n"
			     "__attribute__((noinline)) int other(int a)\n"
			     "{\n\treturn bound(a) + 40;\n}\n"
			     "int main(int argc, char **argv)\n"
			     "{\n\t(void)argv;\n\treturn other(argc);\n}\n";

static unsigned compiled_as_built; /* V was */

static void note(const char *what, const char *unit, size_t done, size_t total, void *context)
{
	(void)unit, (void)done, (void)total, (void)context;
	compiled_as_built += strcmp(what, "as built") == 0;
}

/* The text with one piece replaced; static storage. */
static const char *with(const char *from, const char *to)
{
	static char text[1024];
	const char *at = strstr(unit_c, from);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - unit_c), unit_c, to, at + strlen(from));
	return text;
}

static void make_program(void)
{
	tree_write("src/unit.c", unit_c);
	tree_write("build/flags", "");
	run((const char *[]){"gcc", "-O2", "-g", "-c", "../src/unit.c", "-o", "unit.o", NULL});
	run((const char *[]){"gcc", "-Wl,--build-id", "unit.o", "-o", "program", NULL});
	write_commands("gcc", "-O2 -g", "");
	make_diff("unit.c", with("a * 3", "a * 5"));
}

static void build_with(const char *cache, unsigned parallel, struct build_result *result)
{
	const struct build_options options = {.build_dir = tree_path("build"),
					      .binary = tree_path("build/program"),
					      .output = tree_path("out.so"),
					      .diff = tree_path("change.diff"),
					      .cache_dir = cache,
					      .parallel = parallel,
					      .progress = note};
	struct suture_error err = {0};

	compiled_as_built = 0;
	if (build_run(&options, result, &err))
		fail_msg("%s", err.message);
}

static void expect_patch(const char *cache, unsigned as_built)
{
	struct build_result result;

	build_with(cache, 2, &result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_PATCH);
	assert_int_equal(result.core.function_count, 1);
	assert_string_equal(result.core.functions[0].name, "bound");
	assert_int_equal(compiled_as_built, as_built);
	build_result_fini(&result);
}

static void expect_mismatch(const char *name)
{
	struct build_result result;

	build_with(NULL, 2, &result);
	explain(&result);
	assert_int_equal(result.outcome, CORE_REFUSED);
	assert_int_equal(result.refusals.list[0].code, SUTURE_E_VERIFY_MISMATCH);
	assert_non_null(strstr(result.refusals.list[0].message, name));
	build_result_fini(&result);
}

static void set_time(const char *name, time_t seconds)
{
	const struct utimbuf times = {seconds, seconds};

	assert_int_equal(utime(tree_path(name), &times), 0);
}

static void an_object_that_proves_equal_serves(void **state)
{
	(void)state;
	make_program();
	expect_patch(NULL, 0);
}

static void without_an_object_it_is_compiled(void **state)
{
	(void)state;
	make_program();
	assert_int_equal(unlink(tree_path("build/unit.o")), 0);
	expect_patch(NULL, 1);
	/* What libtool leaves there is a text, and no object. */
	tree_write("build/unit.o", "# unit.lo - a libtool object file\n");
	expect_patch(NULL, 1);
}

static void libtools_object_is_found(void **state)
{
	char text[1024];

	(void)state;
	make_program();
	run((const char *[]){"mkdir", ".libs", NULL});
	run((const char *[]){"mv", "unit.o", ".libs/unit.o", NULL});
	tree_write("build/unit.lo", "# unit.lo - a libtool object file\n");
	snprintf(text, sizeof(text),
		 "[{\"directory\":\"%s/build\",\"file\":\"../src/unit.c\",\"command\":\"gcc -O2 -g "
		 "-c ../src/unit.c -o unit.lo\"}]",
		 tree_top);
	tree_write("build/compile_commands.json", text);
	expect_patch(NULL, 0);
}

static void an_object_of_other_flags_does_not_count(void **state)
{
	(void)state;
	make_program();
	run((const char *[]){"gcc", "-O0", "-c", "../src/unit.c", "-o", "unit.o", NULL});
	expect_patch(NULL, 1);
}

static void an_object_older_than_its_source_is_made_anew(void **state)
{
	(void)state;
	make_program();
	set_time("build/unit.o", 1000000);
	expect_patch(NULL, 1);
}

/* The object is the binary's, the times agree, and the source is another one all the same. */
static void a_tree_that_was_edited_is_refused(void **state)
{
	(void)state;
	make_program();
	tree_write("src/unit.c", with("+ 40", "+ 41"));
	set_time("src/unit.c", 1000000);
	expect_mismatch("other");
}

static void flags_that_were_changed_are_refused(void **state)
{
	(void)state;
	make_program();
	write_commands("gcc", "-O0 -g", "");
	expect_mismatch("unit.c");
}

/* tree_path() forgets, this doesn't. */
static const char *cache_folder(void)
{
	static char path[sizeof(tree_top) + 8];

	snprintf(path, sizeof(path), "%s/cache", tree_top);
	return path;
}

static void hash_of_output(uint8_t hash[HASH_SIZE])
{
	uint8_t *data;
	size_t size;

	assert_int_equal(file_read(tree_path("out.so"), 1 << 24, &data, &size, NULL), 0);
	hash_bytes(data, size, hash);
	free(data);
}

static void build_and_compare(const char *cache, unsigned parallel, const uint8_t wanted[HASH_SIZE])
{
	struct build_result result;
	uint8_t hash[HASH_SIZE];

	unlink(tree_path("out.so"));
	build_with(cache, parallel, &result);
	assert_int_equal(result.outcome, CORE_PATCH);
	hash_of_output(hash);
	assert_memory_equal(hash, wanted, HASH_SIZE);
	build_result_fini(&result);
}

static void equal_input_gives_equal_bytes(void **state)
{
	const char *cache = cache_folder();
	uint8_t hash[HASH_SIZE];
	char *here = realpath(".", NULL);

	(void)state;
	make_program();
	expect_patch(NULL, 0);
	hash_of_output(hash);
	build_and_compare(cache, 1, hash); /* cold */
	build_and_compare(cache, 8, hash); /* warm */
	assert_int_equal(chdir(tree_path("src")), 0);
	build_and_compare(NULL, 8, hash);
	assert_int_equal(chdir(here), 0);
	free(here);
	assert_int_equal(unlink(tree_path("build/unit.o")), 0);
	build_and_compare(NULL, 1, hash);
	assert_int_equal(mkdir(tree_path("elsewhere"), 0700), 0);
	setenv("TMPDIR", tree_path("elsewhere"), 1);
	build_and_compare(NULL, 1, hash);
	unsetenv("TMPDIR");
}

static unsigned times_compiled(const char *cache)
{
	struct build_result result;
	unsigned compiled;

	build_with(cache, 2, &result);
	assert_int_equal(result.outcome, CORE_PATCH);
	compiled = (unsigned)result.units.compiled;
	build_result_fini(&result);
	return compiled;
}

static void a_second_build_compiles_nothing(void **state)
{
	const char *cache = cache_folder();

	(void)state;
	make_program();
	assert_int_equal(times_compiled(cache), 1);
	assert_int_equal(times_compiled(cache), 0);
	write_commands("gcc", "-O2 -g -DX", "");
	assert_int_equal(times_compiled(cache), 1);
	/* Without a place to keep things a build is a build all the same. */
	tree_write("file", "");
	assert_int_equal(times_compiled(tree_path("file/below")), 1);
}

/* `env SOURCE_DATE_EPOCH=…` decides what __DATE__ is: the day of the build is not the binary's. */
static void variables_of_a_command_are_set(void **state)
{
	static const char head[] = "const char *day(void)\n{\n\treturn __DATE__;\n}\n";
	const char *cache = cache_folder();
	char text[2048];

	(void)state;
	make_program();
	snprintf(text, sizeof(text), "%s%s", head, unit_c);
	tree_write("src/unit.c", text);
	run((const char *[]){"env", "SOURCE_DATE_EPOCH=0", "gcc", "-O2", "-g", "-c",
			     "../src/unit.c", "-o", "unit.o", NULL});
	run((const char *[]){"gcc", "-Wl,--build-id", "unit.o", "-o", "program", NULL});
	assert_int_equal(unlink(tree_path("build/unit.o")), 0);
	snprintf(text, sizeof(text), "%s%s", head, with("a * 3", "a * 5"));
	make_diff("unit.c", text);
	write_commands("env SOURCE_DATE_EPOCH=0 gcc", "-O2 -g", "");
	expect_patch(cache, 1);
	write_commands("env SOURCE_DATE_EPOCH=86400 gcc", "-O2 -g", "");
	expect_mismatch("day");
}

/* Each entry with a byte changed, cut short, empty: never what the compiler made. */
static void a_damaged_cache_is_not_believed(void **state)
{
	const char *cache = cache_folder();
	uint8_t hash[HASH_SIZE];

	(void)state;
	make_program();
	assert_int_equal(times_compiled(cache), 1);
	hash_of_output(hash);
	for (int damage = 0; damage < 3; damage++) {
		struct dirent **entries;
		int count = scandir(cache, &entries, NULL, NULL);

		assert_true(count > 2);
		for (int i = 0; i < count; i++) {
			char *path = path_join(cache, entries[i]->d_name);
			int fd = open(path, O_RDWR | O_CLOEXEC);
			struct stat st;
			char byte;

			if (fd >= 0) {
				assert_int_equal(fstat(fd, &st), 0);
				assert_int_equal(pread(fd, &byte, 1, st.st_size / 2), 1);
				byte ^= 1;
				if (damage)
					assert_int_equal(
						ftruncate(fd, damage == 1 ? st.st_size / 2 : 0), 0);
				else
					assert_int_equal(pwrite(fd, &byte, 1, st.st_size / 2), 1);
				close(fd);
			}
			free(path);
			free(entries[i]);
		}
		free(entries);
		assert_int_equal(times_compiled(cache), 1);
		build_and_compare(cache, 2, hash);
	}
}

/* A compiler by the same name that was replaced makes other objects. */
static void another_compiler_does_not_get_the_old_objects(void **state)
{
	const char *cache = cache_folder();
	char blank_free[] = "/tmp/suture-cc.XXXXXX";
	char path[64], text[128];

	(void)state;
	make_program();
	assert_non_null(mkdtemp(blank_free));
	snprintf(path, sizeof(path), "%s/gcc", blank_free);
	for (int version = 0; version < 2; version++) {
		snprintf(text, sizeof(text), "#!/bin/sh\n%sexec gcc \"$@\"\n",
			 version ? "# upgraded\n" : "");
		assert_int_equal(file_replace(path, text, strlen(text), 0755, NULL), 0);
		write_commands(path, "-O2 -g", "");
		assert_int_equal(times_compiled(cache), 1);
		assert_int_equal(times_compiled(cache), 0);
	}
	path_remove_tree(blank_free);
}

static void builds_at_once_share_a_cache(void **state)
{
	const char *cache = cache_folder();
	uint8_t hash[HASH_SIZE];
	pid_t children[4];

	(void)state;
	make_program();
	expect_patch(NULL, 0);
	hash_of_output(hash);
	for (size_t i = 0; i < 4; i++) {
		children[i] = fork();
		assert_true(children[i] >= 0);
		if (!children[i]) {
			const struct build_options options = {.build_dir = tree_path("build"),
							      .binary = tree_path("build/program"),
							      .output = tree_path("out.so"),
							      .diff = tree_path("change.diff"),
							      .cache_dir = cache};
			struct build_result result;
			struct suture_error err = {0};

			for (int round = 0; round < 3; round++) {
				if (build_run(&options, &result, &err) ||
				    result.outcome != CORE_PATCH)
					_exit(1);
				build_result_fini(&result);
			}
			_exit(0);
		}
	}
	for (size_t i = 0; i < 4; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_int_equal(status, 0);
	}
	build_and_compare(cache, 2, hash);
	assert_int_equal(times_compiled(cache), 0);
}

/* A compiler that does as `script` says, and notes each compilation. As a command writes it. */
static const char *scripted(const char *compiler, const char *script)
{
	static char word[sizeof(tree_top) + 18];
	char path[sizeof(tree_top) + 16];
	char text[1024];

	snprintf(path, sizeof(path), "%s/build/%s", tree_top, compiler);
	snprintf(word, sizeof(word), "'%s'", path);
	snprintf(text, sizeof(text),
		 "#!/bin/sh\ncase \" $* \" in *' -c '*) echo \"$*\" >>'%s/calls' ;; esac\n"
		 "%s\nexec %s \"$@\"\n",
		 tree_top, script, compiler);
	assert_int_equal(file_replace(path, text, strlen(text), 0755, NULL), 0);
	tree_write("calls", "");
	return word;
}

static unsigned calls(const char *with)
{
	cleanup_memory char *text = tree_read(tree_path("calls"));
	unsigned count = 0;

	for (const char *at = strstr(text, with); at; at = strstr(at + 1, with))
		count++;
	return count;
}

/* What debuggers want is left out of the original, once. */
static void an_original_has_less(void **state)
{
	(void)state;
	make_program();
	write_commands(scripted("gcc", ""), "-O2 -g", "");
	expect_patch(cache_folder(), 0);
	assert_int_equal(calls(" -c "), 2);
	assert_int_equal(calls("-fno-var-tracking"), 1);
	expect_patch(cache_folder(), 0);
	assert_int_equal(calls(" -c "), 2);
}

/* As if it decided about the code: then the original is made with all that the patched source has.
 */
static void an_original_that_comes_out_otherwise_is_made_anew(void **state)
{
	static const char script[] =
		"case \"$*\" in *-fno-var-tracking*) set -- \"$@\" -Dother=another ;; esac";

	(void)state;
	make_program();
	write_commands(scripted("gcc", script), "-O2 -g", "");
	expect_patch(NULL, 1);
	assert_int_equal(calls("-fno-var-tracking"), 1);
}

#define SCORE                                                                      \
	"int scaled(int);\n"                                                       \
	"__attribute__((noinline)) inline int score(int n)\n{\n\tint sum = 0;\n\n" \
	"\tfor (int i = 0; i < n; i++)\n\t\tsum += scaled(i);\n\treturn sum;\n}\n"

/* The unit whose copy of an inline function runs is asked what it makes of its sources. */
static void the_source_of_a_copy_is_compiled_once(void **state)
{
	static const char scaled[] =
		SCORE "int scaled(int n)\n{\n\treturn n > 99 ? n / 7 : n * %d;\n}\n"
		      "int work(int n)\n{\n\treturn score(n) + 1;\n}\n";
	char text[2048];
	const char *compiler;

	(void)state;
	snprintf(text, sizeof(text), scaled, 2);
	tree_write("src/unit.cc", text);
	tree_write("src/main.cc", SCORE "int work(int);\nint main(int n, char **)\n"
					"{\n\treturn work(n) + score(n + 1);\n}\n");
	tree_write("build/flags", "");
	run((const char *[]){"g++", "-O2", "-c", "../src/main.cc", "-o", "main.o", NULL});
	run((const char *[]){"g++", "-O2", "-c", "../src/unit.cc", "-o", "unit.o", NULL});
	run((const char *[]){"g++", "-Wl,--build-id", "main.o", "unit.o", "-o", "program", NULL});
	compiler = scripted("g++", "");
	snprintf(text, sizeof(text),
		 "[{\"directory\":\"%s/build\",\"file\":\"../src/main.cc\",\"command\":"
		 "\"%s -O2 -c ../src/main.cc -o main.o\"},{\"directory\":\"%s/build\",\"file\":"
		 "\"../src/unit.cc\",\"command\":\"%s -O2 -c ../src/unit.cc -o unit.o\"}]",
		 tree_top, compiler, tree_top, compiler);
	tree_write("build/compile_commands.json", text);
	snprintf(text, sizeof(text), scaled, 3);
	make_diff("unit.cc", text);
	times_compiled(cache_folder());
	assert_int_equal(calls(" -c "), 3);
	assert_int_equal(calls("main.cc"), 1);
	times_compiled(cache_folder());
	assert_int_equal(calls(" -c "), 3);
}

#define in_tree(test) cmocka_unit_test_setup_teardown(test, tree_setup, tree_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		in_tree(an_object_that_proves_equal_serves),
		in_tree(without_an_object_it_is_compiled),
		in_tree(libtools_object_is_found),
		in_tree(an_object_of_other_flags_does_not_count),
		in_tree(an_object_older_than_its_source_is_made_anew),
		in_tree(a_tree_that_was_edited_is_refused),
		in_tree(flags_that_were_changed_are_refused),
		in_tree(equal_input_gives_equal_bytes),
		in_tree(a_second_build_compiles_nothing),
		in_tree(variables_of_a_command_are_set),
		in_tree(a_damaged_cache_is_not_believed),
		in_tree(another_compiler_does_not_get_the_old_objects),
		in_tree(builds_at_once_share_a_cache),
		in_tree(an_original_has_less),
		in_tree(an_original_that_comes_out_otherwise_is_made_anew),
		in_tree(the_source_of_a_copy_is_compiled_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * Damaged input: binaries, objects, compile commands and diffs with bytes changed, cut off and
 * repeated. Each is refused or read; none crashes, hangs or reads where it must not (run under
 * ASan and UBSan by the dev preset). SUTURE_TEST_SEED tries other damage.
 */
#include "project.h"

#include "builder/command.h"
#include "builder/compdb.h"
#include "builder/deps.h"
#include "builder/diff.h"
#include "builder/layout.h"
#include "builder/lexer.h"
#include "builder/lines.h"
#include "builder/members.h"
#include "builder/signature.h"

enum { FILE_ROUNDS = 150, TEXT_ROUNDS = 3000 };

static uint64_t seed;

static uint32_t chance(uint32_t below)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return below ? (uint32_t)(seed >> 33) % below : 0;
}

/* Damages a copy: a few bytes, a run of zeroes, or the end gone. Returns the size that is left. */
static size_t damage(uint8_t *data, size_t size)
{
	switch (chance(5)) {
	case 0:
		return chance((uint32_t)size);
	case 1: {
		size_t from = chance((uint32_t)size), count = chance(64);

		memset(data + from, chance(2) ? 0 : 0xff,
		       count < size - from ? count : size - from);
		return size;
	}
	case 2: /* headers and tables are at both ends */
		for (uint32_t i = 0; i < 4; i++)
			data[chance(2) && size > 2048 ? size - 1 - chance(2048)
						      : chance(size < 256 ? (uint32_t)size : 256)] =
				(uint8_t)chance(256);
		return size;
	default:
		for (uint32_t i = chance(24) + 1; i-- > 0;)
			data[chance((uint32_t)size)] = (uint8_t)chance(256);
		return size;
	}
}

static void write_damaged(const char *from, const char *to)
{
	uint8_t *data;
	size_t size;

	assert_int_equal(file_read(from, 1 << 26, &data, &size, NULL), 0);
	size = damage(data, size);
	assert_int_equal(file_replace(to, data, size, 0755, NULL), 0);
	free(data);
}

static const char unit_c[] = "struct s { int a; char b[9]; union { long c; double d; } e; };\n"
			     "static int counter = 3;\n"
			     "static const char *const names[] = {\"x\", \"yy\"};\n"
			     "__attribute__((noinline)) static int inner(struct s *p)\n"
			     "{\n\tstatic int calls;\n\tcalls++;\n\treturn p->a + calls;\n}\n"
			     "int work(struct s *p, int i)\n"
			     "{\n\tcounter += names[i & 1][0];\n\treturn inner(p) * counter;\n}\n"
			     "int main(int argc, char **argv)\n"
			     "{\n\tstruct s s = {argc, {0}, {1}};\n\t(void)argv;\n"
			     "\treturn work(&s, argc);\n}\n";

static void make_objects(void)
{
	char text[2048];
	const char *at = strstr(unit_c, "p->a + calls");

	snprintf(text, sizeof(text), "%.*s7 + %s", (int)(at - unit_c), unit_c, at);
	tree_write("src/unit.c", unit_c);
	tree_write("src/patched.c", text);
	tree_write("build/empty", "");
	run((const char *[]){"gcc", "-O1", "-c", "../src/unit.c", "-o", "unit.o", NULL});
	run((const char *[]){"gcc", "-O1", "-g", "-ffunction-sections", "-fdata-sections", "-c",
			     "../src/unit.c", "-o", "o.o", NULL});
	run((const char *[]){"gcc", "-O1", "-g", "-ffunction-sections", "-fdata-sections", "-c",
			     "../src/patched.c", "-o", "p.o", NULL});
	run((const char *[]){"gcc", "-Wl,--build-id", "unit.o", "-o", "program", NULL});
}

static void damaged_objects_and_binaries(void **state)
{
	static const char *const names[] = {"build/program", "build/unit.o", "build/o.o",
					    "build/p.o"};
	const char *paths[4];
	const char *from = getenv("SUTURE_TEST_SEED");
	struct compdb db = {0};
	size_t verdicts = 0;

	(void)state;
	make_objects();
	write_commands("gcc", "-O1", "");
	assert_int_equal(compdb_read(tree_path("build"), &db, NULL), 0);
	seed = from ? strtoul(from, NULL, 10) : 3;
	for (unsigned round = 0; round < FILE_ROUNDS; round++) {
		struct core_options options = {.name = "corrupt"};
		struct unit_objects unit = {.source = "unit.c", .compiler = "gcc"};
		struct layout_gate gate = {0};
		struct core_result result;
		struct refusals refusals = {0};
		struct strings exports = {0};
		struct suture_error err = {0};
		bool wanted, linked;

		for (size_t i = 0; i < 4; i++) {
			paths[i] = tree_path(names[i]);
			if (round % 4 == i) {
				write_damaged(paths[i], tree_path("build/damaged"));
				paths[i] = tree_path("build/damaged");
			}
		}
		options.binary = paths[0];
		unit.v_path = paths[1];
		unit.o_path = paths[2];
		unit.p_path = paths[3];
		layout_compare(&gate,
			       &(struct layout_objects){paths[2], paths[3], paths[2], "unit.c"},
			       &refusals, NULL);
		signature_exports(paths[0], &exports, NULL);
		members_find(paths[0], tree_path("build"), tree_path("build"), &db, &wanted,
			     &linked, NULL);
		strings_fini(&exports);
		verdicts += core_build(&options, &unit, 1, NULL, &result, &err) == 0;
		core_result_fini(&result);
		refusals_fini(&refusals);
		layout_gate_fini(&gate);
	}
	compdb_fini(&db);
	/* Most damage is where nobody looks or where the proof sees it. */
	print_message("%zu of %d with a verdict\n", verdicts, FILE_ROUNDS);
}

static void damaged_commands(void **state)
{
	static const char good[] = "[{\"directory\":\"/x\",\"file\":\"a.c\",\"command\":\"cc "
				   "-DX='a b' -c a.c -o a.o\"},"
				   "{\"directory\":\"/x\",\"file\":\"../"
				   "b.c\",\"arguments\":[\"ccache\",\"gcc\",\"-c\","
				   "\"b.c\",\"-MF\",\"b.d\"],\"output\":\"b.o\"}]";

	(void)state;
	seed = 7;
	for (unsigned round = 0; round < TEXT_ROUNDS; round++) {
		char text[sizeof(good)];
		struct suture_error err = {0};
		struct compdb db = {0};
		size_t size;

		memcpy(text, good, sizeof(good));
		size = damage((uint8_t *)text, sizeof(good) - 1);
		if (!compdb_parse(text, size, "/x", &db, &err))
			for (size_t i = 0; i < db.count; i++) {
				struct command command = {0};

				command_init(&command, &db.entries[i], NULL);
				command_fini(&command);
			}
		compdb_fini(&db);
	}
}

static void damaged_texts(void **state)
{
	static const char diff[] =
		"--- a/x.c\t2026\n+++ b/x.c\n@@ -1,3 +1,4 @@ f\n int a;\n-int b;\n"
		"+int c;\n+int d;\n int e;\n\\ No newline at end of file\n";
	static const char deps[] = "a.o: x.c \\\n  y\\ z.h $$q.h\n\nx.c:\n";

	(void)state;
	seed = 11;
	for (unsigned round = 0; round < TEXT_ROUNDS; round++) {
		char text[4096];
		struct suture_error err = {0};
		struct diff parsed = {0};
		struct strings files = {0};
		struct numbers numbers = {0};
		struct hunks hunks = {0};
		struct bytes out = {0};
		size_t size;

		memcpy(text, diff, sizeof(diff));
		size = damage((uint8_t *)text, sizeof(diff) - 1);
		diff_parse(text, size, &parsed, &err);
		diff_fini(&parsed);
		memcpy(text, deps, sizeof(deps));
		size = damage((uint8_t *)text, sizeof(deps) - 1);
		deps_parse_make(text, size, &files);
		strings_fini(&files);
		memcpy(text, unit_c, sizeof(unit_c));
		size = damage((uint8_t *)text, sizeof(unit_c) - 1);
		assert_int_equal(
			hunks_compare(unit_c, sizeof(unit_c) - 1, text, size, &hunks, NULL), 0);
		assert_int_equal(numbers_init(&numbers,
					      numbers_base(unit_c, sizeof(unit_c) - 1, NULL), NULL,
					      unit_c, sizeof(unit_c) - 1, text, size, &hunks, NULL),
				 0);
		assert_int_equal(lines_keep(&numbers, text, size, &out, NULL), 0);
		numbers_fini(&numbers);
		bytes_fini(&out);
		hunks_fini(&hunks);
		lexer_same(unit_c, sizeof(unit_c) - 1, text, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(damaged_objects_and_binaries, tree_setup,
						tree_teardown),
		cmocka_unit_test(damaged_commands),
		cmocka_unit_test(damaged_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

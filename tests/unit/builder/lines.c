/* SPDX-License-Identifier: MIT */
/*
 * Line numbers kept by #line. Each case is preprocessed for real: a line that says AT:__LINE__ in
 * the original must say the same in the patched text with directives.
 */
#include "tree.h"

#include "builder/lexer.h"
#include "builder/lines.h"
#include "builder/process.h"

/* Patched text with directives; the caller frees. */
static char *keep(const char *old_text, const char *new_text)
{
	struct numbers numbers = {0};
	struct hunks hunks = {0};
	struct bytes out = {0};

	assert_int_equal(
		hunks_compare(old_text, strlen(old_text), new_text, strlen(new_text), &hunks, NULL),
		0);
	assert_int_equal(numbers_init(&numbers, numbers_base(old_text, strlen(old_text), NULL),
				      NULL, old_text, strlen(old_text), new_text, strlen(new_text),
				      &hunks, NULL),
			 0);
	assert_int_equal(lines_keep(&numbers, new_text, strlen(new_text), &out, NULL), 0);
	numbers_fini(&numbers);
	bytes_add(&out, "", 1);
	hunks_fini(&hunks);
	return (char *)out.data;
}

/* Runs the preprocessor; the caller frees. */
static char *preprocess(const char *text, const char *define)
{
	struct strings argv = {0};
	struct process_job job = {.argv = &argv, .directory = tree_top};

	tree_write("in.cpp", text);
	strings_add(&argv, "g++");
	strings_add(&argv, "-E");
	strings_add(&argv, "-P");
	strings_add(&argv, define);
	strings_add(&argv, "in.cpp");
	strings_add(&argv, "-o");
	strings_add(&argv, "out.ii");
	assert_int_equal(process_run(&job, 1, 1, NULL, NULL, NULL), 0);
	assert_int_equal(job.status, 0);
	strings_fini(&argv);
	return tree_read(tree_path("out.ii"));
}

/* Every "AT name number" of the original stands in the patched text too. */
static void check_numbers(const char *old_text, const char *new_text, const char *define)
{
	char *kept = keep(old_text, new_text);
	char *old_out = preprocess(old_text, define);
	char *new_out = preprocess(kept, define);
	char *rest = old_out, *line;

	while ((line = strsep(&rest, "\n"))) {
		if (strncmp(line, "AT ", 3) == 0 && !strstr(new_out, line))
			fail_msg("\"%s\" is lost in\n%s", line, kept);
	}
	free(kept);
	free(old_out);
	free(new_out);
}

#define AT(name) "AT " #name " __LINE__\n"

static void inserted_and_removed_lines(void **state)
{
	(void)state;
	check_numbers(AT(a) AT(b) AT(c), "int x;\n" AT(a) AT(b) AT(c), "-DX");
	check_numbers(AT(a) "one\ntwo\n" AT(b) AT(c), AT(a) AT(b) AT(c), "-DX");
	check_numbers(AT(a) "one\n" AT(b) "two\n" AT(c), AT(a) "1\n2\n" AT(b) AT(c), "-DX");
	check_numbers(AT(a) AT(b), AT(a) AT(b) "int at_the_end;\n", "-DX");
	check_numbers(AT(a) "last", AT(a) "last\nmore\n", "-DX");
}

static void same_count_needs_no_directive(void **state)
{
	char *kept = keep("a\nb\nc\n", "a\nB\nc\n");

	(void)state;
	assert_string_equal(kept, "a\nB\nc\n");
	free(kept);
}

static void check_kept(const char *old_text, const char *new_text, const char *expected)
{
	char *kept = keep(old_text, new_text);

	assert_string_equal(kept, expected);
	free(kept);
}

static void added_lines_have_numbers_of_their_own(void **state)
{
	(void)state;
	check_kept("a;\nb;\n", "a;\nx;\ny;\nb;\n", "a;\n#line 100002\nx;\ny;\n#line 2\nb;\n");
	/* An edited line stands for the one that it resembles. */
	check_kept("one(1);\ntwo(2);\n", "zzz;\none(2);\ntwo(3);\n",
		   "#line 100001\nzzz;\n#line 1\none(2);\ntwo(3);\n");
	check_kept("one(1);\ntwo(2);\n", "one(3);\nelse_what;\n",
		   "one(3);\n#line 100002\nelse_what;\n");
	/* Above all numbers that the file gives its lines itself. */
	check_kept("a;\n#line 250000\nb;\n", "a;\n#line 250000\nx;\nb;\n",
		   "a;\n#line 250000\n#line 1000003\nx;\n#line 250000\nb;\n");
	assert_int_equal(numbers_real(100000, 100003), 3);
	assert_int_equal(numbers_real(100000, 99), 99);
	/* In the body of a lambda that is an argument too. */
	check_kept("run([] {\na;\n});\n", "run([] {\nx;\na;\n});\n",
		   "run([] {\n#line 100002\nx;\n#line 2\na;\n});\n");
}

static void never_inside_a_comment_or_string(void **state)
{
	char *kept;

	(void)state;
	kept = keep("/* one\n   two */\nint x;\n", "/* one\n   more\n   two */\nint x;\n");
	assert_string_equal(kept, "/* one\n   more\n   two */\n#line 3\nint x;\n");
	free(kept);
	kept = keep("s = R\"x(\n a\n)x\";\nint y;\n", "s = R\"x(\n a\n b\n)\"\n)x\";\nint y;\n");
	assert_string_equal(kept, "s = R\"x(\n a\n b\n)\"\n)x\";\n#line 4\nint y;\n");
	free(kept);
	kept = keep("// a \\\n   b\nint z;\n", "// a \\\n   more \\\n   b\nint z;\n");
	assert_string_equal(kept, "// a \\\n   more \\\n   b\n#line 3\nint z;\n");
	free(kept);
}

static void never_inside_a_macro_or_an_invocation(void **state)
{
	char *kept;

	(void)state;
	kept = keep("#define M(a) \\\n\tf(a)\nint x;\n",
		    "#define M(a) \\\n\tg(); \\\n\tf(a)\nint x;\n");
	assert_string_equal(kept, "#define M(a) \\\n\tg(); \\\n\tf(a)\n#line 3\nint x;\n");
	free(kept);
	kept = keep("LOG(a,\n    b);\nint x;\n", "LOG(a,\n    c,\n    b);\nint x;\n");
	assert_string_equal(kept, "LOG(a,\n    c,\n    b);\n#line 3\nint x;\n");
	free(kept);
	/* Between a macro's name and its arguments. */
	kept = keep("LOG\n(a);\nint x;\n", "more;\nLOG\n(a);\nint x;\n");
	assert_string_equal(kept, "#line 100001\nmore;\n#line 1\nLOG\n(a);\nint x;\n");
	free(kept);
	/* A quote as a digit separator starts no character. */
	kept = keep("f(1'000);\nint x;\n", "new(1'0);\nf(1'000);\nint x;\n");
	assert_string_equal(kept, "#line 100001\nnew(1'0);\n#line 1\nf(1'000);\nint x;\n");
	free(kept);
}

static void skipped_groups_hide_no_directive(void **state)
{
	static const char old_text[] = "#ifdef A\none\n#else\n" AT(a) "two\n#endif\n" AT(b);
	static const char in_first[] =
		"#ifdef A\none\nmore\nmore\n#else\n" AT(a) "two\n#endif\n" AT(b);
	static const char in_second[] = "#ifdef A\none\n#else\nmore\n" AT(a) "two\n#endif\n" AT(b);

	(void)state;
	check_numbers(old_text, in_first, "-DA");
	check_numbers(old_text, in_first, "-DB");
	check_numbers(old_text, in_second, "-DA");
	check_numbers(old_text, in_second, "-DB");
	/* Brackets that open in both branches close once. */
	check_numbers("#ifdef A\nf(1,\n#else\ng(2,\n#endif\n3);\n" AT(a),
		      "int n;\n#ifdef A\nf(1,\n#else\ng(2,\n#endif\n3);\n" AT(a), "-DA");
}

static void continues_the_original_numbering(void **state)
{
	(void)state;
	check_numbers(AT(a) "#line 500\n" AT(b) AT(c), "x\n" AT(a) "#line 500\n" AT(b) "y\n" AT(c),
		      "-DX");
	check_numbers("# 70 \"y.l\"\n" AT(a) AT(b), "# 70 \"y.l\"\n" AT(a) "more\n" AT(b), "-DX");
}

static void crlf(void **state)
{
	char *kept = keep("a;\r\nb;\r\n", "a;\r\nnew;\r\nb;\r\n");

	(void)state;
	assert_string_equal(kept, "a;\r\n#line 100002\nnew;\r\n#line 2\nb;\r\n");
	free(kept);
}

static void tokens_tell_what_matters(void **state)
{
	static const struct {
		const char *left, *right;
		bool same;
	} cases[] = {
		{"int a; /* x */\n", "/* y\n */ int a; // z\n", true},
		{"\n\nint a;", "int\na;", true},
		{"int a;", "int b;", false},
		{"\"a b\"", "\"a  b\"", false},
		{"a + +b", "a ++b", false},
		{"#define f(x) x\n", "#define f (x) x\n", false},
		{"#define A\nb\n", "#define A b\n", false},
		{"#define A \\\n 1\n", "#define A 1\n", true},
		{"'\"' /* \" */ x", "'\"' x", true},
		{"R\"(/* no comment */)\"", "R\"()\"", false},
		{"\"// no comment\"", "\"\"", false},
		{"a\\\nb", "ab", true},
		{"a / b", "a // b", false},
		{"x;", "x;\n#pragma once\n", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool same = lexer_same(cases[i].left, strlen(cases[i].left), cases[i].right,
				       strlen(cases[i].right));

		if (same != cases[i].same)
			fail_msg("case %zu: %s | %s", i, cases[i].left, cases[i].right);
	}
}

/* The script of edits turns one text into the other, whatever they are. */
static void hunks_rebuild_the_text(void **state)
{
	unsigned seed = 12345;

	(void)state;
	for (unsigned round = 0; round < 2000; round++) {
		char old_text[128], new_text[128], built[256] = "";
		size_t sizes[2];
		struct hunks hunks = {0};
		size_t line = 0;

		for (unsigned side = 0; side < 2; side++) {
			char *text = side ? new_text : old_text;

			seed = seed * 1103515245 + 12345;
			sizes[side] = 2 * ((seed >> 16) % 24);
			for (size_t i = 0; i < sizes[side]; i += 2) {
				seed = seed * 1103515245 + 12345;
				text[i] = (char)('a' + (seed >> 16) % 4);
				text[i + 1] = '\n';
			}
			text[sizes[side]] = '\0';
		}
		assert_int_equal(
			hunks_compare(old_text, sizes[0], new_text, sizes[1], &hunks, NULL), 0);
		for (size_t i = 0; i < hunks.count; i++) {
			const struct hunk *hunk = &hunks.list[i];

			strncat(built, old_text + 2 * line, 2 * (hunk->old_start - line));
			assert_int_equal(strlen(built), 2 * hunk->new_start);
			strncat(built, new_text + 2 * hunk->new_start, 2 * hunk->new_count);
			line = hunk->old_start + hunk->old_count;
		}
		strcat(built, old_text + 2 * line);
		assert_string_equal(built, new_text);
		hunks_fini(&hunks);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(inserted_and_removed_lines, tree_setup,
						tree_teardown),
		cmocka_unit_test(added_lines_have_numbers_of_their_own),
		cmocka_unit_test(same_count_needs_no_directive),
		cmocka_unit_test(never_inside_a_comment_or_string),
		cmocka_unit_test(never_inside_a_macro_or_an_invocation),
		cmocka_unit_test_setup_teardown(skipped_groups_hide_no_directive, tree_setup,
						tree_teardown),
		cmocka_unit_test_setup_teardown(continues_the_original_numbering, tree_setup,
						tree_teardown),
		cmocka_unit_test(crlf),
		cmocka_unit_test(tokens_tell_what_matters),
		cmocka_unit_test(hunks_rebuild_the_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

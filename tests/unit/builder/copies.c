/* SPDX-License-Identifier: MIT */
/* Inline functions that are in the binary by another unit's copy: what it takes to leave them. */
#include "core_kit.h"

#define SCORE                                                                \
	"int scaled(int);\n"                                                 \
	"__attribute__((noinline)) inline int score(int n) { int sum = 0;\n" \
	"for (int i = 0; i < n; i++) sum += scaled(i); return sum; }\n"
#define SCALED(text) "int scaled(int n) { return " text "; }\n"
#define WORK	     "int work(int n) { return score(n) + 1; }\n"

static const char before[] = SCORE SCALED("n > 99 ? n / 7 : n * 2") WORK;
static const char after[] = SCORE SCALED("n > 99 ? n / 7 : n * 3") WORK;
static const char other[] =
	SCORE "int work(int);\nint main(int n, char **) { return work(n) + score(n + 1); }\n";

/* The first object's copy is the linker's choice. */
static void open_with_copies(struct kit *kit)
{
	kit->extension = "cc";
	kit->link = "-Wl,-z,muldefs other.o";
	kit_open(kit);
	kit_compile(kit, before, after, other);
}

static void with_compiler(const char *compiler)
{
	struct kit kit = {.compiler = compiler};

	open_with_copies(&kit);
	kit_verdict(&kit);
	kit_expect_refusal(&kit, SUTURE_E_VERIFY_MISMATCH, "a copy of it that no file is known");
	assert_int_equal(kit.result.unwitnessed.count, 1);
	assert_string_equal(kit.result.unwitnessed.items[0], "_Z5scorei");

	kit.witness = "other.o";
	kit_verdict(&kit);
	kit_expect(&kit, CORE_PATCH);
	kit_expect_functions(&kit, "changed:_Z6scaledi");
	kit_close(&kit);
}

static void a_copy_stays_where_its_unit_is_known(void **state)
{
	(void)state;
	with_compiler("g++");
	with_compiler("clang++");
}

/* The same function, not the same code: of another compiler's mood, or of other sources. */
static void another_copy_is_no_witness(void **state)
{
	struct kit kit = {.compiler = "g++"};

	(void)state;
	open_with_copies(&kit);
	kit_run("cd %s && g++ -O1 -w -c other.cc -o other-flags.o && "
		"sed 's/sum = 0/sum = 1/' other.cc > edited.cc && "
		"g++ -O2 -w -c edited.cc -o other-source.o",
		kit.dir);
	kit.witness = "other-flags.o";
	kit_verdict(&kit);
	kit_expect_refusal(&kit, SUTURE_E_VERIFY_MISMATCH, "a copy of it that no file is known");
	kit.witness = "other-source.o";
	kit_verdict(&kit);
	kit_expect_refusal(&kit, SUTURE_E_VERIFY_MISMATCH, "a copy of it that no file is known");
	kit_close(&kit);
}

/* An ordinary function of the unit is no copy: what is not as it was made is refused as ever. */
static void a_binary_with_another_function_is_refused(void **state)
{
	struct kit kit = {.compiler = "g++", .v_flags = "-O1", .witness = "other.o"};

	(void)state;
	open_with_copies(&kit);
	kit_verdict(&kit);
	kit_expect_refusal(&kit, SUTURE_E_VERIFY_MISMATCH, "differ");
	kit_close(&kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_copy_stays_where_its_unit_is_known),
		cmocka_unit_test(another_copy_is_no_witness),
		cmocka_unit_test(a_binary_with_another_function_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

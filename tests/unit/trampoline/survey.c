/* SPDX-License-Identifier: MIT */
/* What is around a function in its object: all of its parts count, however many there are. */
#include "../test.h"

#include "trampoline/survey.h"

enum { BASE = 0x10000, FUNCTION = 16, PART = 8, PARTS = 6 };

/* A function of plain instructions, and parts each of which jumps to `into` of its bytes. */
struct fixture {
	uint8_t code[FUNCTION + PARTS * PART];
	struct survey_function functions[1 + PARTS];
	struct survey_object object;
	struct survey survey;
};

static const uint8_t *bytes(void *context, uintptr_t address, size_t *size)
{
	struct fixture *fixture = context;

	*size = sizeof(fixture->code) - (address - BASE);
	return fixture->code + (address - BASE);
}

static bool read_nothing(void *context, uintptr_t address, void *out, size_t size)
{
	(void)context;
	(void)address;
	(void)out;
	(void)size;
	return false;
}

static void begin(struct fixture *fixture)
{
	static const char *const names[] = {"f",	"f.cold",   "f.cold.1", "f.cold.2",
					    "f.cold.3", "f.cold.4", "f.cold.5"};
	struct suture_error err;

	memset(fixture, 0, sizeof(*fixture));
	memset(fixture->code, 0x90, sizeof(fixture->code)); /* nop */
	fixture->code[FUNCTION - 1] = 0xc3;		    /* ret */
	fixture->functions[0] = (struct survey_function){names[0], BASE, FUNCTION};
	for (size_t i = 0; i < PARTS; i++) {
		fixture->functions[1 + i] =
			(struct survey_function){names[1 + i], BASE + FUNCTION + i * PART, PART};
		fixture->code[FUNCTION + (i + 1) * PART - 1] = 0xc3;
	}
	fixture->object = (struct survey_object){.functions = fixture->functions,
						 .count = 1 + PARTS,
						 .bytes = bytes,
						 .read = read_nothing,
						 .context = fixture};
	assert_int_equal(survey_init(&fixture->survey, &fixture->object, &err), 0);
}

static enum trampoline_tier tier_of(struct fixture *fixture)
{
	struct trampoline plan;
	struct suture_error err;

	if (survey_plan(&fixture->survey, 0, &plan, &err))
		return TRAMPOLINE_NONE;
	return plan.tier;
}

static void test_a_part_branches_into_the_entry(void **state)
{
	(void)state;
	for (size_t part = 0; part < PARTS; part++) {
		size_t at = FUNCTION + part * PART;
		struct fixture fixture;

		begin(&fixture);
		assert_true(survey_is_part(&fixture.survey, 1 + part));
		assert_int_equal(tier_of(&fixture), TRAMPOLINE_PLAIN);
		fixture.code[at] = 0xeb; /* jmp */
		fixture.code[at + 1] = (uint8_t)(2 - (int)(at + 2));
		assert_int_not_equal(tier_of(&fixture), TRAMPOLINE_PLAIN);
		survey_fini(&fixture.survey);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_part_branches_into_the_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* Parameters of the wrong kind are refused by name; absent ones leave the default. */
#include "../test.h"

#include "rpc/params.h"

static const int usage = -(int)SUTURE_E_USAGE;

static void test_unknown_is_refused(void **state)
{
	static const char *const names[] = {"a", "b", NULL};
	struct json_object *good = json_tokener_parse("{\"b\":1}");
	struct json_object *bad = json_tokener_parse("{\"b\":1,\"confirm_within_us\":5}");
	struct suture_error err;

	(void)state;
	assert_int_equal(rpc_params_only(NULL, names, NULL), 0);
	assert_int_equal(rpc_params_only(good, names, NULL), 0);
	assert_int_equal(rpc_params_only(bad, names, &err), usage);
	assert_string_equal(err.message, "unknown parameter 'confirm_within_us'");
	json_object_put(good);
	json_object_put(bad);
}

static void test_numbers(void **state)
{
	struct json_object *params = json_tokener_parse(
		"{\"n\":5,\"neg\":-1,\"real\":1.5,\"text\":\"5\",\"big\":18446744073709551615,"
		"\"huge\":99999999999999999999999,\"null\":null}");
	uint64_t value = 42;

	(void)state;
	assert_int_equal(rpc_params_u64(params, "absent", 9, &value, NULL), 0);
	assert_int_equal(rpc_params_u64(params, "null", 9, &value, NULL), 0);
	assert_int_equal(value, 42);
	assert_int_equal(rpc_params_u64(params, "neg", 9, &value, NULL), usage);
	assert_int_equal(rpc_params_u64(params, "real", 9, &value, NULL), usage);
	assert_int_equal(rpc_params_u64(params, "text", 9, &value, NULL), usage);
	assert_int_equal(rpc_params_u64(params, "n", 4, &value, NULL), usage);
	assert_int_equal(rpc_params_u64(params, "huge", 9, &value, NULL), usage);
	assert_int_equal(value, 42);
	assert_int_equal(rpc_params_u64(params, "big", UINT64_MAX, &value, NULL), 0);
	assert_true(value == UINT64_MAX);
	json_object_put(params);
}

static void test_text_and_truth(void **state)
{
	struct json_object *params = json_tokener_parse(
		"{\"s\":\"fix\",\"empty\":\"\",\"nul\":\"a\\u0000b\",\"t\":true,\"n\":1}");
	const char *text = NULL;
	bool truth = false;

	(void)state;
	assert_int_equal(rpc_params_need_string(params, "s", 3, &text, NULL), 0);
	assert_string_equal(text, "fix");
	assert_int_equal(rpc_params_string(params, "s", 2, &text, NULL), usage);
	assert_int_equal(rpc_params_string(params, "nul", 9, &text, NULL), usage);
	assert_int_equal(rpc_params_string(params, "n", 9, &text, NULL), usage);
	assert_int_equal(rpc_params_need_string(params, "empty", 9, &text, NULL), usage);
	assert_int_equal(rpc_params_need_string(NULL, "s", 9, &text, NULL), usage);
	assert_int_equal(rpc_params_bool(params, "t", &truth, NULL), 0);
	assert_true(truth);
	assert_int_equal(rpc_params_bool(params, "n", &truth, NULL), usage);
	json_object_put(params);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unknown_is_refused),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_text_and_truth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

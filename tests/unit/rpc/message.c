/* SPDX-License-Identifier: MIT */
/* What is a JSON-RPC message and what isn't; errors survive the way over the wire. */
#include "../test.h"

#include "base/error.h"
#include "rpc/error.h"
#include "rpc/message.h"
#include "rpc/text.h"

static int parse(const char *line, struct rpc_message *message, struct suture_error *err)
{
	return rpc_message_parse(line, strlen(line), RPC_FROM_CLIENT, message, err);
}

static void test_request(void **state)
{
	struct rpc_message message;

	(void)state;
	assert_int_equal(
		parse("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"list\",\"params\":{\"a\":1}}",
		      &message, NULL),
		0);
	assert_int_equal(message.kind, RPC_REQUEST);
	assert_string_equal(message.method, "list");
	assert_int_equal(rpc_json_get_int(message.params, "a", 0), 1);
	rpc_message_fini(&message);
}

static void test_bad_messages(void **state)
{
	static const struct {
		const char *line;
		int number;
	} cases[] = {
		{"{", RPC_NUMBER_PARSE},
		{"garbage here", RPC_NUMBER_PARSE},
		{"{} {}", RPC_NUMBER_PARSE},
		{"{\"a\":\"\xff\"}", RPC_NUMBER_PARSE},
		{"{'a':1}", RPC_NUMBER_PARSE},
		{"[]", RPC_NUMBER_INVALID_REQUEST},
		{"5", RPC_NUMBER_INVALID_REQUEST},
		{"null", RPC_NUMBER_INVALID_REQUEST},
		{"{}", RPC_NUMBER_INVALID_REQUEST},
		{"{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"x\"}", RPC_NUMBER_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"id\":1}", RPC_NUMBER_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":5}", RPC_NUMBER_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\\u0000b\"}",
		 RPC_NUMBER_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"x\"}", RPC_NUMBER_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"x\"}", RPC_NUMBER_INVALID_REQUEST},
		{"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"x\",\"params\":[1]}",
		 RPC_NUMBER_INVALID_REQUEST},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct suture_error err;
		struct rpc_message message;

		assert_int_equal(parse(cases[i].line, &message, &err), -(int)SUTURE_E_PROTOCOL);
		assert_int_equal(message.number, cases[i].number);
		rpc_message_fini(&message);
	}
}

static void test_id_of_a_bad_request_is_kept(void **state)
{
	struct rpc_message message;

	(void)state;
	assert_int_not_equal(
		parse("{\"jsonrpc\":\"2.0\",\"id\":\"me\",\"method\":1}", &message, NULL), 0);
	assert_string_equal(json_object_get_string(message.id), "me");
	rpc_message_fini(&message);
}

static void test_depth_and_number_of_values_are_bounded(void **state)
{
	struct json_object *value = NULL;
	char deep[2001], wide[5001];

	(void)state;
	memset(deep, '[', 1000);
	memset(deep + 1000, ']', 1000);
	assert_int_equal(rpc_json_parse(deep, 2000, RPC_DEPTH, RPC_REQUEST_VALUES, &value, NULL),
			 -(int)SUTURE_E_PROTOCOL);
	memset(wide, ',', 5000);
	assert_int_equal(rpc_json_parse(wide, 5000, RPC_DEPTH, RPC_REQUEST_VALUES, &value, NULL),
			 -(int)SUTURE_E_PROTOCOL);
	assert_int_equal(rpc_json_parse("17", 2, RPC_DEPTH, RPC_REQUEST_VALUES, &value, NULL), 0);
	assert_int_equal(json_object_get_int(value), 17);
	json_object_put(value);
}

static void test_error_comes_back_as_it_went(void **state)
{
	struct json_object *details =
		json_tokener_parse("{\"blockers\":[{\"tid\":1}],\"code\":\"X\"}");
	struct json_object *object, *data;
	struct suture_error err, back;

	(void)state;
	error_set(&err, SUTURE_E_BUSY_STACK, "tick() is in use by \xff");
	error_next(&err, "try again");
	object = rpc_error_object(&err, 0, details);
	rpc_error_read(object, &back, &data);
	assert_int_equal(back.code, SUTURE_E_BUSY_STACK);
	assert_string_equal(back.message, "tick() is in use by ?");
	assert_string_equal(back.next, "try again");
	assert_non_null(rpc_json_get_array(data, "blockers"));
	assert_string_equal(rpc_json_get_string(data, "code", ""), "BUSY_STACK");
	json_object_put(object);
	json_object_put(details);
}

static void test_every_code_comes_back(void **state)
{
	static const enum suture_code codes[] = {
#define CODE(name, number, exit_code, retryable, text) SUTURE_E_##name,
		SUTURE_ERRORS(CODE)
#undef CODE
	};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct suture_error err, back;
		struct json_object *object;

		error_set(&err, codes[i], "m");
		object = rpc_error_object(&err, 0, NULL);
		rpc_error_read(object, &back, NULL);
		assert_int_equal(back.code, codes[i]);
		json_object_put(object);
	}
}

static void test_strings_are_always_utf8(void **state)
{
	static const char *const cases[][2] = {
		{"plain", "plain"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xff\xfe", "??"},
		{"a\xc3", "a?"},
		{"\xe0\x80\x80", "???"},
		{"\xed\xa0\x80", "???"},
		{"\xf0\x9f\x8e\xae", "\xf0\x9f\x8e\xae"},
		{"\xf4\x90\x80\x80", "????"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct json_object *value = rpc_json_string(cases[i][0]);

		assert_string_equal(json_object_get_string(value), cases[i][1]);
		json_object_put(value);
	}
}

static void test_lines_that_are_written(void **state)
{
	struct json_object *params = json_tokener_parse("{\"a\":\"x\\ny\"}");
	struct json_object *id = json_object_new_int(3);
	struct bytes out = {0};

	(void)state;
	rpc_add_request(&out, 3, "list", params);
	rpc_add_notification(&out, "progress", NULL);
	rpc_add_result(&out, id, NULL);
	rpc_add_failure(&out, NULL, params);
	bytes_add(&out, "", 1);
	assert_string_equal(
		(char *)out.data,
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"list\",\"params\":{\"a\":\"x\\ny\"}}\n"
		"{\"jsonrpc\":\"2.0\",\"method\":\"progress\"}\n"
		"{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":null}\n"
		"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"a\":\"x\\ny\"}}\n");
	bytes_fini(&out);
	json_object_put(params);
	json_object_put(id);
}

static void test_text(void **state)
{
	struct json_object *value = json_tokener_parse(
		"{\"pid\":1,\"none\":null,\"list\":[\"a\\u001b\",{\"b\":true}]}");
	struct bytes out = {0};

	(void)state;
	rpc_add_text(&out, value);
	bytes_add(&out, "", 1);
	assert_string_equal((char *)out.data, "pid: 1\nnone: -\nlist:\n  a?\n  -\n    b: true\n");
	bytes_fini(&out);
	json_object_put(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_bad_messages),
		cmocka_unit_test(test_id_of_a_bad_request_is_kept),
		cmocka_unit_test(test_depth_and_number_of_values_are_bounded),
		cmocka_unit_test(test_error_comes_back_as_it_went),
		cmocka_unit_test(test_every_code_comes_back),
		cmocka_unit_test(test_strings_are_always_utf8),
		cmocka_unit_test(test_lines_that_are_written),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

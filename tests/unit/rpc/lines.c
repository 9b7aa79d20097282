/* SPDX-License-Identifier: MIT */
/* Lines are the same however the stream is cut, and never longer than allowed. */
#include "../test.h"

#include "rpc/lines.h"

static void feed(struct rpc_lines *lines, const char *data, size_t size)
{
	while (size) {
		size_t room, piece;
		char *to = rpc_lines_room(lines, &room);

		assert_non_null(to);
		piece = room < size ? room : size;
		memcpy(to, data, piece);
		rpc_lines_added(lines, piece);
		data += piece;
		size -= piece;
	}
}

static void expect_line(struct rpc_lines *lines, const char *text, size_t size)
{
	size_t length;
	char *line;

	assert_int_equal(rpc_lines_next(lines, &line, &length, NULL), 1);
	assert_int_equal(length, size);
	assert_memory_equal(line, text, size);
	assert_int_equal(line[length], '\0');
}

static void expect_none(struct rpc_lines *lines)
{
	size_t length;
	char *line;

	assert_int_equal(rpc_lines_next(lines, &line, &length, NULL), 0);
}

static void test_any_cut_gives_the_same_lines(void **state)
{
	static const char stream[] = "one\r\n\ntwo\0three\nfour";

	(void)state;
	for (size_t cut = 1; cut < sizeof(stream); cut++) {
		struct rpc_lines lines;
		size_t done = 0, length, count = 0;
		char *line;

		rpc_lines_init(&lines, 64);
		while (done < sizeof(stream) - 1) {
			size_t left = sizeof(stream) - 1 - done, piece = left < cut ? left : cut;

			feed(&lines, stream + done, piece);
			done += piece;
			while (rpc_lines_next(&lines, &line, &length, NULL) == 1) {
				static const char *const expected[] = {"one", "", "two\0three"};
				static const size_t sizes[] = {3, 0, 9};

				assert_true(count < 3);
				assert_int_equal(length, sizes[count]);
				assert_memory_equal(line, expected[count], length);
				count++;
			}
		}
		assert_int_equal(count, 3);
		assert_int_equal(rpc_lines_partial(&lines), 4);
		rpc_lines_fini(&lines);
	}
}

static void test_limit_is_exact(void **state)
{
	struct suture_error err;
	struct rpc_lines lines;
	size_t length;
	char *line;

	(void)state;
	rpc_lines_init(&lines, 8);
	feed(&lines, "12345678\n", 9);
	expect_line(&lines, "12345678", 8);
	feed(&lines, "123456789", 9);
	assert_int_equal(rpc_lines_next(&lines, &line, &length, &err), -(int)SUTURE_E_PROTOCOL);
	rpc_lines_fini(&lines);
	rpc_lines_init(&lines, 8);
	feed(&lines, "123456789\n", 10);
	assert_int_equal(rpc_lines_next(&lines, &line, &length, &err), -(int)SUTURE_E_PROTOCOL);
	rpc_lines_fini(&lines);
}

static void test_memory_is_bounded_whatever_comes(void **state)
{
	struct rpc_lines lines;
	size_t size, taken = 0;

	(void)state;
	rpc_lines_init(&lines, 1000);
	/* A caller that never takes lines out and ignores errors. */
	while (taken < 10 << 20) {
		char *room = rpc_lines_room(&lines, &size);

		if (!room)
			break;
		memset(room, 'x', size);
		rpc_lines_added(&lines, size);
		taken += size;
	}
	assert_true(taken <= 1000 + (16 << 10));
	rpc_lines_fini(&lines);
}

static void test_many_lines_in_one_piece(void **state)
{
	struct rpc_lines lines;

	(void)state;
	rpc_lines_init(&lines, 8);
	feed(&lines, "a\nb\nc\n", 6);
	expect_line(&lines, "a", 1);
	expect_line(&lines, "b", 1);
	expect_line(&lines, "c", 1);
	expect_none(&lines);
	rpc_lines_fini(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_cut_gives_the_same_lines),
		cmocka_unit_test(test_limit_is_exact),
		cmocka_unit_test(test_memory_is_bounded_whatever_comes),
		cmocka_unit_test(test_many_lines_in_one_piece),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

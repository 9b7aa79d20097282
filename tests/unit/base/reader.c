/* SPDX-License-Identifier: MIT */
/* The reader never reads out of bounds, and says where it would have. */
#include "../test.h"

#include "base/reader.h"

static void reads_in_order(void **state)
{
	static const uint8_t data[] = {1, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 'h', 'i', 0};
	struct reader reader;

	(void)state;
	reader_init(&reader, data, sizeof(data), "data");
	assert_int_equal(reader_u8(&reader), 1);
	assert_int_equal(reader_u16(&reader), 2);
	assert_int_equal(reader_u32(&reader), 3);
	assert_int_equal(reader_u64(&reader), 4);
	assert_string_equal(reader_string(&reader), "hi");
	assert_int_equal(reader_left(&reader), 0);
	assert_int_equal(reader_check(&reader, SUTURE_E_BAD_INPUT, NULL), 0);
}

static void failure_sticks_and_names_the_place(void **state)
{
	static const uint8_t data[] = {1, 2, 3};
	struct suture_error err;
	struct reader reader;

	(void)state;
	reader_init(&reader, data, sizeof(data), "thing");
	reader_u8(&reader);
	assert_int_equal(reader_u32(&reader), 0);
	assert_int_equal(reader_u8(&reader), 0); /* although a byte would be there */
	assert_null(reader_bytes(&reader, 1));
	assert_int_equal(reader_left(&reader), 0);
	assert_int_equal(reader_check(&reader, SUTURE_E_BAD_INPUT, &err), -SUTURE_E_BAD_INPUT);
	assert_string_equal(err.message, "thing: truncated at offset 1");
}

static void leb128(void **state)
{
	/* DWARF 4, figures 22 and 23 */
	static const uint8_t data[] = {0x02, 0x7f, 0x80, 0x01, 0xb9, 0x64, 0x7e, 0x80, 0x7f, 0x80};
	struct reader reader;

	(void)state;
	reader_init(&reader, data, sizeof(data), "leb");
	assert_int_equal(reader_uleb(&reader), 2);
	assert_int_equal(reader_uleb(&reader), 127);
	assert_int_equal(reader_uleb(&reader), 128);
	assert_int_equal(reader_uleb(&reader), 12857);
	assert_int_equal(reader_sleb(&reader), -2);
	assert_int_equal(reader_sleb(&reader), -128);
	reader_uleb(&reader); /* ends in the middle of a number */
	assert_true(reader.failed);
}

static void endless_leb_ends(void **state)
{
	uint8_t data[64];
	struct reader reader;

	(void)state;
	memset(data, 0xff, sizeof(data));
	reader_init(&reader, data, sizeof(data), "leb");
	reader_uleb(&reader);
	assert_true(reader.failed);
}

static void string_without_end(void **state)
{
	static const uint8_t data[] = {'a', 'b'};
	struct reader reader;

	(void)state;
	reader_init(&reader, data, sizeof(data), "text");
	assert_null(reader_string(&reader));
	assert_true(reader.failed);
}

static void sub_readers_stay_inside(void **state)
{
	static const uint8_t data[] = {1, 2, 3, 4};
	struct reader reader, sub;

	(void)state;
	reader_init(&reader, data, sizeof(data), "data");
	sub = reader_sub(&reader, 2, 2);
	assert_int_equal(reader_u16(&sub), 0x0403);
	assert_int_equal(reader_u8(&sub), 0);
	assert_true(sub.failed);
	assert_true(reader_sub(&reader, 3, 2).failed);
	assert_true(reader_sub(&reader, SIZE_MAX, 2).failed);
	assert_true(reader_sub(&reader, 2, SIZE_MAX).failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_in_order),
		cmocka_unit_test(failure_sticks_and_names_the_place),
		cmocka_unit_test(leb128),
		cmocka_unit_test(endless_leb_ends),
		cmocka_unit_test(string_without_end),
		cmocka_unit_test(sub_readers_stay_inside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

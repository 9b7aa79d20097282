/* SPDX-License-Identifier: MIT */
/*
 * The record of what happened: it keeps the last, says how many are lost, counts all; and its file
 * is written to only where it is a plain one of our own, without ever waiting.
 */
#include "../test.h"

#include "agent/events.h"
#include "base/error.h"
#include "base/file.h"
#include "rpc/json.h"

#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

static struct events events;
static char folder[200], path[300];

static int begin(void **state)
{
	(void)state;
	test_folder_make(folder, sizeof(folder));
	snprintf(path, sizeof(path), "%s/audit.jsonl", folder);
	events_init(&events, path);
	return 0;
}

static int end(void **state)
{
	(void)state;
	events_fini(&events);
	test_folder_remove(folder);
	return 0;
}

static void add(const char *what, enum suture_code code)
{
	struct suture_error err;

	if (code != SUTURE_OK)
		error_set(&err, code, "because");
	events_add(&events, &(struct event_note){.what = what,
						 .name = "fix",
						 .err = code == SUTURE_OK ? NULL : &err});
}

static int64_t member(struct json_object *answer, const char *key)
{
	return rpc_json_get_int(answer, key, -1);
}

static size_t length(struct json_object *answer)
{
	return json_object_array_length(rpc_json_get_array(answer, "events"));
}

static void keeps_the_last(void **state)
{
	struct json_object *answer;

	(void)state;
	for (int i = 0; i < EVENT_RING + 10; i++)
		add("apply", SUTURE_OK);
	answer = events_answer(&events, 1, EVENT_RING);
	assert_int_equal(length(answer), EVENT_RING);
	assert_int_equal(member(answer, "next"), EVENT_RING + 11);
	json_object_put(answer);
	/* Who follows from 5 on has lost 5 to 10. */
	answer = events_answer(&events, 5, EVENT_RING);
	assert_int_equal(member(answer, "lost"), 6);
	json_object_put(answer);
	answer = events_answer(&events, EVENT_RING + 11, EVENT_RING);
	assert_int_equal(length(answer), 0);
	assert_int_equal(member(answer, "lost"), 0);
	json_object_put(answer);
	answer = events_answer(&events, 0, 3);
	assert_int_equal(length(answer), 3);
	json_object_put(answer);
}

static void counts_by_result(void **state)
{
	struct json_object *list, *first, *second;

	(void)state;
	add("apply", SUTURE_OK);
	add("apply", SUTURE_E_BUSY_STACK);
	add("apply", SUTURE_E_BUSY_STACK);
	list = events_tallies(&events);
	assert_int_equal(json_object_array_length(list), 2);
	first = json_object_array_get_idx(list, 0);
	second = json_object_array_get_idx(list, 1);
	assert_string_equal(rpc_json_get_string(first, "result", ""), "done");
	assert_string_equal(rpc_json_get_string(second, "result", ""), "BUSY_STACK");
	assert_int_equal(member(second, "count"), 2);
	json_object_put(list);
}

/* More kinds than there is room for are counted together, none is forgotten. */
static void counts_any_number_of_kinds(void **state)
{
	struct json_object *list;
	int64_t sum = 0;
	char what[24];

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(what, sizeof(what), "action_%d", i);
		add(what, SUTURE_OK);
	}
	list = events_tallies(&events);
	assert_int_equal(json_object_array_length(list), EVENT_TALLIES);
	for (size_t i = 0; i < EVENT_TALLIES; i++)
		sum += member(json_object_array_get_idx(list, i), "count");
	assert_int_equal(sum, 300);
	json_object_put(list);
}

static void one_line_each(void **state)
{
	cleanup_memory uint8_t *text = NULL;
	struct json_object *line;
	size_t size;

	(void)state;
	add("apply", SUTURE_OK);
	add("revert", SUTURE_E_NOT_APPLIED);
	assert_int_equal(file_read(path, 1 << 20, &text, &size, NULL), 0);
	assert_int_equal(text[size - 1], '\n');
	*strchr((char *)text, '\n') = '\0';
	line = json_tokener_parse((char *)text);
	assert_string_equal(rpc_json_get_string(line, "event", ""), "apply");
	json_object_put(line);
	assert_int_equal(events_unwritten(&events), 0);
	/* Moved away by who rotates logs: a new one is begun. */
	assert_int_equal(unlink(path), 0);
	add("apply", SUTURE_OK);
	assert_int_equal(access(path, F_OK), 0);
}

static void keep(const char *what)
{
	events_keep(&events, &(struct event_note){.what = what});
}

/* What the server's thread keeps is in the ring at once, and in the file when the worker comes. */
static void kept_now_written_later(void **state)
{
	cleanup_memory uint8_t *text = NULL;
	struct json_object *answer;
	char *first, *second;
	size_t size;

	(void)state;
	keep("confirm");
	assert_int_equal(access(path, F_OK), -1);
	assert_true(events_are_owed(&events));
	answer = events_answer(&events, 0, EVENT_RING);
	assert_int_equal(length(answer), 1);
	json_object_put(answer);
	add("apply", SUTURE_OK);
	assert_false(events_are_owed(&events));
	assert_int_equal(file_read(path, 1 << 20, &text, &size, NULL), 0);
	first = memmem(text, size, "\"confirm\"", 9);
	second = memmem(text, size, "\"apply\"", 7);
	assert_true(first && second && first < second);
	events_write(&events);
	assert_int_equal(events_unwritten(&events), 0);
	/* More than are kept: the file lacks some, and that is said. */
	for (int i = 0; i < EVENT_RING + 5; i++)
		keep("confirm");
	events_write(&events);
	assert_int_equal(events_unwritten(&events), 5);
	/* A child of a fork() does not write its parent's lines. */
	keep("confirm");
	events_adopt(&events);
	assert_false(events_are_owed(&events));
}

enum { ROUNDS = 200 };

static void *add_often(void *what)
{
	for (int i = 0; i < ROUNDS; i++)
		add(what, SUTURE_OK);
	return NULL;
}

static void *keep_often(void *what)
{
	for (int i = 0; i < ROUNDS; i++) {
		keep(what);
		if (events_are_owed(&events) && i % 8 == 0)
			events_write(&events);
	}
	return NULL;
}

static void *ask_often(void *unused)
{
	for (int i = 0; i < ROUNDS; i++) {
		json_object_put(events_answer(&events, 0, EVENT_RING));
		json_object_put(events_tallies(&events));
		events_unwritten(&events);
	}
	return unused;
}

/* The server's thread, the worker and who starts the agent; each line is written once, in order. */
static void all_at_once(void **state)
{
	void *(*const bodies[])(void *) = {add_often, add_often, keep_often, ask_often};
	pthread_t threads[4];
	uint64_t lines = 0, last = 0, seq;
	char line[1024];
	FILE *file;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, bodies[i], (void *)"apply"), 0);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	events_write(&events);
	assert_false(events_are_owed(&events));
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		assert_int_equal(sscanf(line, "{\"seq\":%" SCNu64, &seq), 1);
		assert_true(seq > last);
		last = seq;
		lines++;
	}
	fclose(file);
	assert_int_equal(lines + events_unwritten(&events), 3 * ROUNDS);
}

static void refuses(const char *why)
{
	uint64_t before = events_unwritten(&events);

	add("apply", SUTURE_OK);
	if (events_unwritten(&events) != before + 1)
		fail_msg("written to %s", why);
}

static void nothing_but_a_plain_file_of_ours(void **state)
{
	char other[300], link_path[300];
	struct stat st;
	int fd;

	(void)state;
	snprintf(other, sizeof(other), "%s/other", folder);
	snprintf(link_path, sizeof(link_path), "%s/another-name", folder);
	fd = open(other, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	assert_int_equal(symlink(other, path), 0);
	refuses("a link");
	unlink(path);
	assert_int_equal(link(other, path), 0);
	refuses("a file with two names");
	unlink(path);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	close(fd);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuses("a pipe that nobody reads");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	refuses("a folder");
	rmdir(path);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_equal(fchmod(fd, 0666), 0);
	close(fd);
	refuses("a file that everybody may write");
}

static void texts_are_cut(void **state)
{
	struct json_object *answer, *event;
	char long_text[2000];

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	events_add(&events,
		   &(struct event_note){.what = long_text, .name = long_text, .text = long_text});
	answer = events_answer(&events, 0, 1);
	event = json_object_array_get_idx(rpc_json_get_array(answer, "events"), 0);
	assert_int_equal(strlen(rpc_json_get_string(event, "text", "")), EVENT_TEXT_SIZE - 1);
	assert_int_equal(strlen(rpc_json_get_string(event, "event", "")), EVENT_WHAT_SIZE - 1);
	json_object_put(answer);
}

static void texts_are_cut_between_characters(void **state)
{
	struct json_object *answer, *event;
	char longer[EVENT_TEXT_SIZE * 2];

	(void)state;
	for (int blanks = 0; blanks < 3; blanks++) {
		int at = sprintf(longer, "%*s", blanks, "");

		while ((size_t)at < sizeof(longer) - 4)
			at += sprintf(longer + at, "\u20ac");
		events_add(&events,
			   &(struct event_note){.what = "call", .name = longer, .text = longer});
		answer = events_answer(&events, 0, 1);
		event = json_object_array_get_idx(rpc_json_get_array(answer, "events"), 0);
		/* What is cut in the middle of a character would be sent with a '?' in its place.
		 */
		assert_null(strchr(rpc_json_get_string(event, "text", "?"), '?'));
		assert_null(strchr(rpc_json_get_string(event, "name", "?"), '?'));
		json_object_put(answer);
	}
}

#define RECORD(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECORD(keeps_the_last),
		RECORD(counts_by_result),
		RECORD(counts_any_number_of_kinds),
		RECORD(one_line_each),
		RECORD(kept_now_written_later),
		RECORD(all_at_once),
		RECORD(nothing_but_a_plain_file_of_ours),
		RECORD(texts_are_cut),
		RECORD(texts_are_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * More clients than places: who is let in, who has to go. Four places; how long a new client is
 * safe is either for ever, so that nothing happens by time, or no time at all.
 */
#include "client.h"

#include "agent/server.h"

#include <errno.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PLACES = 4, FOR_EVER_MS = 3600000, NO_TIME_MS = 1, A_MOMENT_MS = 300, LONG_MS = 60000 };
enum { READER = 65534 };

static const char ping[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n";
static const char pong[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}";

static char folder[64], socket_path[100];
static struct server *server;
static pthread_t server_thread;

static void *serve(void *argument)
{
	server_run(argument, NULL);
	return NULL;
}

static int start(unsigned fresh_ms)
{
	struct server_options options = {.socket = socket_path,
					 .clients = PLACES,
					 .fresh_ms = fresh_ms,
					 .idle_ms = FOR_EVER_MS,
					 .stall_ms = FOR_EVER_MS};

	test_folder_make(folder, sizeof(folder));
	snprintf(socket_path, sizeof(socket_path), "%s/s.sock", folder);
	assert_int_equal(server_create(&options, &server, NULL), 0);
	return pthread_create(&server_thread, NULL, serve, server);
}

static int start_with_all_safe(void **state)
{
	(void)state;
	return start(FOR_EVER_MS);
}

static int start_with_none_safe(void **state)
{
	(void)state;
	return start(NO_TIME_MS);
}

static int start_with_readers(void **state)
{
	int rc;

	(void)state;
	setenv("SUTURE_ALLOW_UID", "65534", 1);
	rc = start(NO_TIME_MS);
	unsetenv("SUTURE_ALLOW_UID");
	return rc;
}

static int stop(void **state)
{
	(void)state;
	server_stop(server);
	pthread_join(server_thread, NULL);
	server_destroy(server);
	test_folder_remove(folder);
	return 0;
}

/* What is heard within a minute, which no machine needs. */
static bool hears(int fd, const char *line)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	return poll(&ready, 1, LONG_MS) == 1 && contains(hear(fd), line);
}

/* Neither an answer nor the end, for a moment. */
static bool is_silent(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	return poll(&ready, 1, A_MOMENT_MS) == 0;
}

/* One that is in for certain: it has been answered. */
static int talker(void)
{
	int fd = connect_raw(socket_path);

	say(fd, ping);
	assert_true(hears(fd, pong));
	return fd;
}

/* The server has taken in all that happened so far: each round looks at all that is ready. */
static void let_it_see(int talking)
{
	usleep(2000 * NO_TIME_MS);
	for (int i = 0; i < 2 * PLACES; i++) {
		say(talking, ping);
		assert_true(hears(talking, pong));
	}
}

static void test_who_came_just_now_is_not_pushed_out(void **state)
{
	int fds[PLACES], late;

	(void)state;
	for (int i = 0; i < PLACES; i++)
		fds[i] = talker();
	/* It waits outside, and is in as soon as there is room, without any time passing. */
	late = connect_raw(socket_path);
	say(late, ping);
	let_it_see(fds[0]);
	for (int i = 0; i < PLACES; i++)
		assert_false(hung_up(fds[i], 0));
	assert_true(is_silent(late));
	close(fds[2]);
	assert_true(hears(late, pong));
	for (int i = 0; i < PLACES; i++)
		if (i != 2) {
			assert_false(hung_up(fds[i], 0));
			close(fds[i]);
		}
	close(late);
}

static void test_a_crowd_outside_is_let_in_in_turn(void **state)
{
	enum { CROWD = 40 };
	int fds[CROWD];

	(void)state;
	for (int i = 0; i < CROWD; i++) {
		fds[i] = connect_raw(socket_path);
		say(fds[i], ping);
	}
	for (int i = 0; i < CROWD; i++) {
		assert_true(hears(fds[i], pong));
		close(fds[i]);
	}
}

static void test_silent_ones_go_first(void **state)
{
	int talking = talker(), silent[PLACES], late;

	(void)state;
	for (int i = 0; i < PLACES - 1; i++) {
		silent[i] = connect_raw(socket_path);
		let_it_see(talking);
	}
	/* The talker is the oldest, but one that never said anything goes: the first of them. */
	let_it_see(talking);
	late = talker();
	assert_true(hung_up(silent[0], LONG_MS));
	assert_false(hung_up(silent[1], 0));
	assert_false(hung_up(talking, 0));
	say(talking, ping);
	assert_true(hears(talking, pong));
	for (int i = 0; i < PLACES - 1; i++)
		close(silent[i]);
	close(talking);
	close(late);
}

/* A crowd of another user's that comes again and again, until its input ends. */
static _Noreturn void crowd_of_readers(int until)
{
	int fds[2 * PLACES];
	struct pollfd input = {.fd = until, .events = POLLIN};

	if (setgid(READER) || setuid(READER))
		_exit(1);
	memset(fds, -1, sizeof(fds));
	while (poll(&input, 1, 0) == 0)
		for (int i = 0; i < 2 * PLACES; i++) {
			close(fds[i]);
			fds[i] = connect_raw(socket_path);
			if (send(fds[i], ping, strlen(ping), MSG_NOSIGNAL) < 0) {
				/* Turned away already. */
			}
			hear(fds[i]);
		}
	_exit(0);
}

static void test_readers_push_out_no_writer(void **state)
{
	int fds[PLACES - 1], until[2], status = 0;
	pid_t child;

	(void)state;
	if (geteuid() != 0)
		skip(); /* takes another user */
	assert_int_equal(chmod(folder, 0711), 0);
	for (int i = 0; i < PLACES - 1; i++)
		fds[i] = talker();
	assert_int_equal(pipe(until), 0);
	child = fork();
	if (child == 0) {
		close(until[1]);
		crowd_of_readers(until[0]);
	}
	close(until[0]);
	usleep(A_MOMENT_MS * 1000);
	/* Another writer is let in, readers come and go, and who was here is here. */
	close(talker());
	usleep(A_MOMENT_MS * 1000);
	for (int i = 0; i < PLACES - 1; i++) {
		assert_false(hung_up(fds[i], 0));
		close(fds[i]);
	}
	close(until[1]);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define SERVED(test, how) cmocka_unit_test_setup_teardown(test, how, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_who_came_just_now_is_not_pushed_out, start_with_all_safe),
		SERVED(test_a_crowd_outside_is_let_in_in_turn, start_with_all_safe),
		SERVED(test_silent_ones_go_first, start_with_none_safe),
		SERVED(test_readers_push_out_no_writer, start_with_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/*
 * The server against clients that mean ill: whatever they do, an honest client is answered, and
 * soon. The server runs on a thread of this program, with small limits.
 */
#include "client.h"

#include "agent/server.h"
#include "base/error.h"
#include "rpc/client.h"
#include "rpc/descriptor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* How long clients may be silent: those of the tests that are about that, and all others. */
enum { IDLE_MS = 400, STALL_MS = 300, PATIENT_MS = 60000 };

static char folder[64], socket_path[100];
static struct server *server;
static pthread_t server_thread;
static sem_t proceed; /* `wait` ends when it is posted */
static _Atomic int applied, waiting;
static char turns[8]; /* first letters of what was applied; the worker's until it is told */
static _Atomic int nice_of_worker;  /* when it applied */
static _Atomic uint64_t late_by_ns; /* the stop's clock is fast */

uint64_t __real_wait_now_stopped(void);
uint64_t __wrap_wait_now_stopped(void);

uint64_t __wrap_wait_now_stopped(void)
{
	return __real_wait_now_stopped() + late_by_ns;
}

static int run_wait(struct server_call *call, struct json_object *params, int fd,
		    struct json_object **result, struct suture_error *err)
{
	struct json_object *info = json_object_new_object();

	(void)params;
	(void)fd;
	(void)err;
	rpc_json_add(info, "message", rpc_json_string("waiting"));
	server_call_progress(call, info);
	waiting++;
	while (sem_trywait(&proceed) && !server_call_abandoned(call))
		usleep(1000);
	waiting--;
	*result = json_object_new_int64((int64_t)server_call_waited_us(call));
	return 0;
}

static int run_apply(struct server_call *call, struct json_object *params, int fd,
		     struct json_object **result, struct suture_error *err)
{
	char text[16] = "";

	(void)call;
	(void)params;
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		return error_errno(err, SUTURE_E_IO, errno, "patch");
	if (strcmp(text, "busy") == 0) {
		*result = json_tokener_parse("{\"blockers\":[{\"tid\":7}]}");
		return error_set(err, SUTURE_E_BUSY_STACK, "tick() is in use");
	}
	nice_of_worker = getpriority(PRIO_PROCESS, (id_t)gettid());
	if ((size_t)applied < sizeof(turns) - 1)
		turns[applied] = text[0];
	applied++;
	*result = json_object_new_string(text);
	return 0;
}

static int run_list(struct server_call *call, struct json_object *params, int fd,
		    struct json_object **result, struct suture_error *err)
{
	char *big = malloc(200001);

	(void)call;
	(void)fd;
	(void)err;
	memset(big, 'x', 200000);
	big[200000] = '\0';
	*result = json_object_new_string(rpc_json_get_bool(params, "big", false) ? big : "small");
	free(big);
	return 0;
}

static int run_leave(struct server_call *call, struct json_object *params, int fd,
		     struct json_object **result, struct suture_error *err)
{
	(void)params;
	(void)fd;
	(void)err;
	server_call_finish(call);
	*result = json_object_new_string("gone");
	return 0;
}

static const struct server_command commands[] = {
	{.method = "leave", .mutates = true, .run = run_leave},
	{.method = "wait", .slow = true, .run = run_wait},
	{.method = "apply", .mutates = true, .takes_fd = true, .run = run_apply},
	{.method = "list", .help = "the list", .run = run_list},
};

static void *serve(void *argument)
{
	server_run(argument, NULL);
	return NULL;
}

static int start_with(unsigned idle_ms, unsigned stall_ms)
{
	struct server_options options = {.commands = commands,
					 .command_count = 4,
					 .socket = socket_path,
					 .idle_ms = idle_ms,
					 .stall_ms = stall_ms};

	strcpy(folder, "/tmp/suture-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	snprintf(socket_path, sizeof(socket_path), "%s/s.sock", folder);
	applied = waiting = 0;
	memset(turns, 0, sizeof(turns));
	sem_init(&proceed, 0, 0);
	assert_int_equal(server_create(&options, &server, NULL), 0);
	return pthread_create(&server_thread, NULL, serve, server);
}

static int start(void **state)
{
	(void)state;
	return start_with(PATIENT_MS, PATIENT_MS);
}

static int start_idle(void **state)
{
	(void)state;
	return start_with(IDLE_MS, PATIENT_MS);
}

static int start_stalled(void **state)
{
	(void)state;
	return start_with(PATIENT_MS, STALL_MS);
}

static int stop(void **state)
{
	(void)state;
	server_stop(server);
	pthread_join(server_thread, NULL);
	server_destroy(server);
	assert_int_equal(access(socket_path, F_OK), -1);
	test_folder_remove(folder);
	return 0;
}

static void expect_served(void)
{
	struct rpc_client_call call = {.method = "list", .fd = -1, .timeout_us = SOON_MS * 1000};
	struct json_object *result = NULL;
	struct rpc_client client;
	struct suture_error err;

	if (rpc_client_open(&client, socket_path, SOON_MS, &err) ||
	    rpc_client_call(&client, &call, &result, NULL, &err))
		fail_msg("%s: %s", suture_code_name(err.code), err.message);
	assert_string_equal(json_object_get_string(result), "small");
	json_object_put(result);
	rpc_client_close(&client);
}

static void test_hello_ping_help_and_words(void **state)
{
	int fd = connect_raw(socket_path);

	(void)state;
	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"hello\",\"params\":{\"protocol\":1}"
		"}\n");
	assert_true(contains(hear(fd), "\"id\":\"a\",\"result\":{\"protocol\":1,\"oldest\":1,"));
	say(fd,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"hello\",\"params\":{\"protocol\":0}}\n");
	assert_true(contains(hear(fd), "UNSUPPORTED"));
	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}\n");
	assert_string_equal(hear(fd), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
	say(fd, "list\r\n");
	assert_string_equal(hear(fd), "small");
	say(fd, "help\n");
	assert_string_equal(hear(fd), "list: the list");
	say(fd, "apply\n");
	assert_true(contains(hear(fd), "error: 'apply' is no word"));
	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events\"}\n");
	assert_true(contains(hear(fd), "\"code\":-32601"));
	/* A word without a newline, then no more: socat's way. */
	say(fd, "list");
	shutdown(fd, SHUT_WR);
	assert_string_equal(hear(fd), "small");
	assert_string_equal(hear(fd), "");
	close(fd);
	assert_int_equal(applied, 0);
}

static void test_garbage(void **state)
{
	static const char *const lines[] = {"\1\2\3\n", "}\n", "{\"jsonrpc\":\n", "[1,2\n", "'\n"};
	int fd = connect_raw(socket_path);
	char noise[4096];

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		say(fd, lines[i]);
		assert_true(contains(hear(fd), "\"id\":null,\"error\":{\"code\":-32700"));
	}
	close(fd);
	srand(1);
	for (int round = 0; round < 200; round++) {
		fd = connect_raw(socket_path);
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (char)rand();
		send(fd, noise, sizeof(noise), MSG_NOSIGNAL | MSG_DONTWAIT);
		close(fd);
	}
	expect_served();
}

static void test_line_of_100_mb(void **state)
{
	static char piece[1 << 16];
	int fd = connect_raw(socket_path);
	size_t sent = 0;

	(void)state;
	memset(piece, '[', sizeof(piece));
	while (sent < 100 << 20) {
		ssize_t put = send(fd, piece, sizeof(piece), MSG_NOSIGNAL);

		if (put <= 0)
			break;
		sent += (size_t)put;
	}
	assert_true(sent < 4 << 20); /* it hung up long before */
	assert_true(contains(hear(fd), "longer than 65536 bytes"));
	close(fd);
	expect_served();
}

static void test_deep_and_wide_json(void **state)
{
	static char text[60002];
	int fd = connect_raw(socket_path);

	(void)state;
	memset(text, '[', 60000);
	strcpy(text + 60000, "\n");
	say(fd, text);
	assert_true(contains(hear(fd), "-32700"));
	for (size_t i = 0; i < 60000; i += 3)
		memcpy(text + i, "{},", 3);
	say(fd, text);
	assert_true(contains(hear(fd), "-32700"));
	close(fd);
	expect_served();
}

static void test_silent_clients(void **state)
{
	int fds[200];

	(void)state;
	for (int i = 0; i < 200; i++)
		fds[i] = connect_raw(socket_path);
	expect_served();
	for (int i = 0; i < 200; i++)
		assert_true(hung_up(fds[i], IDLE_MS + SOON_MS));
	expect_served();
	for (int i = 0; i < 200; i++)
		close(fds[i]);
}

/* True when the server has hung up on a client that says a byte now and then. */
static bool dropped(int fd, const char *byte)
{
	for (int i = 0; i < SOON_MS / 30; i++) {
		if (send(fd, byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
			return true;
		usleep(30000);
	}
	return false;
}

static void test_half_written_request(void **state)
{
	int fd = connect_raw(socket_path), drip = connect_raw(socket_path);

	(void)state;
	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,");
	/* A byte now and then does not buy more time. */
	assert_true(dropped(drip, "["));
	assert_true(hung_up(fd, STALL_MS + SOON_MS));
	close(fd);
	close(drip);
	expect_served();
}

static void test_reader_that_never_reads(void **state)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"list\",\"params\":{"
				   "\"big\":true}}\n";
	int fd = connect_raw(socket_path);

	(void)state;
	for (int i = 0; i < 200; i++)
		if (send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
	expect_served();
	assert_true(dropped(fd, "\n"));
	expect_served();
	close(fd);
}

static void send_apply(int fd, const char *contents, int id)
{
	int patch = memfd_create("patch", MFD_CLOEXEC);
	char line[100];

	assert_int_equal(write(patch, contents, strlen(contents)), strlen(contents));
	snprintf(line, sizeof(line), "{\"jsonrpc\":\"2.0\",\"id\":%d,\"method\":\"apply\"}\n", id);
	assert_int_equal(rpc_send(fd, line, strlen(line), patch, 0), strlen(line));
	close(patch);
}

static void test_descriptor_goes_with_its_request(void **state)
{
	static const char ping[] = "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"ping\"}\n";
	int fd = connect_raw(socket_path);

	(void)state;
	send_apply(fd, "good", 1);
	assert_string_equal(hear(fd), "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":\"good\"}");
	send_apply(fd, "busy", 2);
	assert_string_equal(hear(fd),
			    "{\"jsonrpc\":\"2.0\",\"id\":2,\"error\":{\"code\":-32000,"
			    "\"message\":\"tick() is in use\",\"data\":{\"code\":\"BUSY_STACK\","
			    "\"message\":\"tick() is in use\",\"next\":\"\",\"blockers\":[{"
			    "\"tid\":7}]}}}");
	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"apply\"}\n");
	assert_true(contains(hear(fd), "needs a file descriptor"));
	/* One sent with a request that takes none does not serve a later one. */
	assert_int_equal(rpc_send(fd, ping, strlen(ping), STDIN_FILENO, 0), strlen(ping));
	assert_true(contains(hear(fd), "\"id\":4,\"result\":{}"));
	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"apply\"}\n");
	assert_true(contains(hear(fd), "needs a file descriptor"));
	assert_int_equal(applied, 1);
	close(fd);
}

static void test_reads_are_served_while_one_works(void **state)
{
	int worker = connect_raw(socket_path), second = connect_raw(socket_path);

	(void)state;
	say(worker, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\"}\n");
	assert_string_equal(hear(worker),
			    "{\"jsonrpc\":\"2.0\",\"method\":\"progress\",\"params\":{"
			    "\"message\":\"waiting\",\"id\":1}}");
	expect_served();
	/* A second one waits as long as it says, then is told so. */
	say(second, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"wait\",\"params\":{\"timeout_us\":"
		    "100000}}\n");
	assert_true(contains(hear(second), "AGENT_BUSY"));
	/* One that waits longer has its turn. */
	send_apply(second, "good", 3);
	usleep(50000);
	assert_int_equal(applied, 0);
	sem_post(&proceed);
	assert_true(contains(hear(worker), "\"id\":1,\"result\":"));
	assert_true(contains(hear(second), "\"id\":3,\"result\":\"good\""));
	close(worker);
	close(second);
}

static void test_who_comes_first_is_served_first(void **state)
{
	static const char *const files[] = {"alpha", "beta", "gamma", "delta"};
	int worker = connect_raw(socket_path), fds[4];

	(void)state;
	say(worker, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\"}\n");
	hear(worker); /* its progress: it is at work */
	for (int i = 0; i < 4; i++) {
		fds[i] = connect_raw(socket_path);
		send_apply(fds[i], files[i], i);
		expect_served(); /* it has been queued by now */
	}
	sem_post(&proceed);
	for (int i = 0; i < 4; i++) {
		assert_true(contains(hear(fds[i]), files[i]));
		close(fds[i]);
	}
	assert_string_equal(turns, "abgd");
	close(worker);
}

static void test_queue_is_bounded(void **state)
{
	int fds[SERVER_QUEUE + 2];
	size_t busy = 0;

	(void)state;
	for (int i = 0; i < SERVER_QUEUE + 2; i++) {
		fds[i] = connect_raw(socket_path);
		say(fds[i], "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\"}\n");
		while (i == 0 && !waiting)
			usleep(1000);
	}
	busy = strstr(hear(fds[SERVER_QUEUE + 1]), "AGENT_BUSY") != NULL;
	assert_int_equal(busy, 1);
	expect_served();
	/* All hang up: nothing that waits is begun for nobody, what runs is told. */
	for (int i = 0; i < SERVER_QUEUE + 2; i++)
		close(fds[i]);
	for (int i = 0; i < SOON_MS && waiting; i++)
		usleep(1000);
	assert_int_equal(waiting, 0);
	expect_served();
}

static void test_stop_while_one_works(void **state)
{
	int fd = connect_raw(socket_path);

	(void)state;
	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\"}\n");
	while (!waiting)
		usleep(1000);
	close(fd); /* stop() does the rest */
}

/* A child that has all descriptors and runs no handlers of fork(), as of a raw clone(). */
static pid_t born_unnoticed(void)
{
	pid_t child = _Fork();

	if (child == 0)
		for (;;)
			pause();
	assert_true(child > 0);
	return child;
}

static uint64_t cpu_time_of_server(void)
{
	struct timespec used;
	clockid_t clock;

	assert_int_equal(pthread_getcpuclockid(server_thread, &clock), 0);
	assert_int_equal(clock_gettime(clock, &used), 0);
	return (uint64_t)used.tv_sec * UINT64_C(1000000000) + (uint64_t)used.tv_nsec;
}

/* Events of a connection that is closed here and open there led to a session that was freed. */
static void test_a_child_has_the_connection_too(void **state)
{
	int leaves = connect_raw(socket_path), asks = connect_raw(socket_path);
	uint64_t before;
	pid_t child;

	(void)state;
	say(leaves, "list\n");
	assert_string_equal(hear(leaves), "small");
	say(asks, "list\n");
	assert_string_equal(hear(asks), "small");
	child = born_unnoticed();
	/* One whose client leaves, and one that the server ends. */
	close(leaves);
	say(asks, "list");
	shutdown(asks, SHUT_WR);
	assert_string_equal(hear(asks), "small");
	assert_string_equal(hear(asks), "");
	close(asks);
	expect_served();
	before = cpu_time_of_server();
	usleep(300000);
	/* It sleeps: no event keeps it awake. */
	assert_true(cpu_time_of_server() - before < UINT64_C(50000000));
	expect_served();
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

/* How often the thread of that name went to sleep. */
static long switches_of(const char *name)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *entry;
	long switches = -1;

	while ((entry = readdir(tasks))) {
		char path[320], line[256], comm[32] = "";
		FILE *file;
		long value;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", entry->d_name);
		file = fopen(path, "r");
		while (file && fgets(line, sizeof(line), file)) {
			sscanf(line, "Name: %31s", comm);
			if (strcmp(comm, name) == 0 &&
			    sscanf(line, "voluntary_ctxt_switches: %ld", &value) == 1)
				switches = value;
		}
		if (file)
			fclose(file);
	}
	closedir(tasks);
	return switches;
}

/* Once it has noticed that its last client left, which takes as long as the machine likes. */
static void test_no_wakeups_without_clients(void **state)
{
	long before, after = -1;

	(void)state;
	pthread_setname_np(server_thread, "quiet");
	expect_served();
	for (int tries = 0; tries < 20; tries++) {
		before = after;
		after = switches_of("quiet");
		assert_true(after >= 0);
		if (after == before)
			return;
		usleep(1500000);
	}
	fail_msg("%ld wakeups in 1.5 s", after - before);
}

static void test_signals_are_blocked_but_two(void **state)
{
	char path[64], line[256];
	unsigned long long blocked = 0;
	FILE *file;
	int fd = connect_raw(socket_path);

	(void)state;
	send_apply(fd, "good", 1);
	hear(fd);
	close(fd);
	assert_true(server_worker_tid(server) > 0);
	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)server_worker_tid(server));
	file = fopen(path, "r");
	while (fgets(line, sizeof(line), file))
		sscanf(line, "SigBlk: %llx", &blocked);
	fclose(file);
	/* Bit n-1 is signal n; 9 and 19 can't be blocked; 32 and 33 are glibc's. */
	assert_true(blocked == (~0ULL & ~(1ULL << 8) & ~(1ULL << 18) & ~(3ULL << 31)));
}

/* Whoever has the answer finds nobody any more, though others have not read theirs yet. */
static void test_who_leaves_is_not_found(void **state)
{
	static const char line[] = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"list\",\"params\":{"
				   "\"big\":true}}\n";
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int deaf = connect_raw(socket_path), fd = connect_raw(socket_path);
	int late = connect_raw(socket_path), other = socket(AF_UNIX, SOCK_STREAM, 0);
	struct pollfd heard = {.fd = late, .events = POLLIN};

	(void)state;
	for (int i = 0; i < 50; i++)
		say(deaf, line);
	expect_served();
	say(fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"leave\"}\n");
	assert_string_equal(hear(fd), "{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":\"gone\"}");
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	assert_int_equal(connect(other, (struct sockaddr *)&address, sizeof(address)), -1);
	assert_int_equal(errno, ENOENT);
	assert_true(server_is_leaving(server));
	/* Nothing is begun any more; who is here already is told, or hung up on. */
	if (send(late, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"leave\"}\n", 41, MSG_NOSIGNAL) ==
		    41 &&
	    poll(&heard, 1, 300) == 1)
		assert_null(strstr(hear(late), "result"));
	close(other);
	close(late);
	close(fd);
	close(deaf);
}

static void test_what_waits_behind_it_is_refused(void **state)
{
	int worker = connect_raw(socket_path), leaving = connect_raw(socket_path);
	int behind = connect_raw(socket_path);

	(void)state;
	say(worker, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"wait\"}\n");
	hear(worker); /* its progress: it is at work */
	say(leaving, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"leave\"}\n");
	expect_served(); /* it has been queued by now, and the other comes later */
	send_apply(behind, "good", 3);
	expect_served();
	sem_post(&proceed);
	assert_true(contains(hear(leaving), "\"id\":2,\"result\":"));
	assert_true(contains(hear(behind), "NO_AGENT"));
	assert_int_equal(applied, 0);
	close(worker);
	close(leaving);
	close(behind);
}

/* Among a thousand threads that run, each of the many turns that an apply takes would be late. */
static void test_who_wakes_up_late_hurries(void **state)
{
	int usual = getpriority(PRIO_PROCESS, 0), fd;

	(void)state;
	if (sched_getscheduler(0) != SCHED_OTHER || setpriority(PRIO_PROCESS, 0, -20) ||
	    setpriority(PRIO_PROCESS, 0, usual))
		skip(); /* what is not ordinary was chosen, and stays */
	fd = connect_raw(socket_path);
	late_by_ns = UINT64_C(1000000000);
	send_apply(fd, "good", 1);
	hear(fd);
	late_by_ns = 0;
	assert_int_equal(nice_of_worker, -20);
	/* And no longer once it has nothing to do. */
	for (int tries = 0;
	     tries < 20000 && getpriority(PRIO_PROCESS, (id_t)server_worker_tid(server)) != usual;
	     tries++)
		usleep(1000);
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t)server_worker_tid(server)), usual);
	close(fd);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_hello_ping_help_and_words),
		SERVED(test_garbage),
		SERVED(test_line_of_100_mb),
		SERVED(test_deep_and_wide_json),
		cmocka_unit_test_setup_teardown(test_silent_clients, start_idle, stop),
		cmocka_unit_test_setup_teardown(test_half_written_request, start_stalled, stop),
		cmocka_unit_test_setup_teardown(test_reader_that_never_reads, start_stalled, stop),
		SERVED(test_descriptor_goes_with_its_request),
		SERVED(test_reads_are_served_while_one_works),
		SERVED(test_who_comes_first_is_served_first),
		SERVED(test_queue_is_bounded),
		SERVED(test_stop_while_one_works),
		SERVED(test_who_leaves_is_not_found),
		SERVED(test_what_waits_behind_it_is_refused),
		SERVED(test_a_child_has_the_connection_too),
		SERVED(test_no_wakeups_without_clients),
		SERVED(test_signals_are_blocked_but_two),
		SERVED(test_who_wakes_up_late_hurries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

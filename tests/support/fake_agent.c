/* SPDX-License-Identifier: MIT */
/*
 * A process with the agent's real server and canned commands, for tests of the command line and of
 * the server. What a "patch" does is written in it: after ELF's magic number comes a word.
 *
 *   fake_agent        prints "ready PID SOCKET" and serves until it gets a line or the end of input
 */
#include "agent/server.h"
#include "base/error.h"
#include "base/file.h"
#include "rpc/json.h"
#include "rpc/params.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { WORD_SIZE = 32, FILE_LIMIT = 1 << 20 };

static _Atomic bool
	applied; /* one patch, called "fix"; written by the worker, read by the server */

static const char *const known[] = {"timeout_us", "max_pause_us", "at",	  "strict",
				    "replace",	  "label",	  "name", NULL};

/* The word behind the magic number: what is to happen. */
static int read_word(int fd, char word[WORD_SIZE], struct suture_error *err)
{
	cleanup_memory uint8_t *data = NULL;
	size_t size;
	int rc = file_read_fd(fd, FILE_LIMIT, "patch", &data, &size, err);

	if (rc)
		return rc;
	if (size < 5 || size - 4 >= WORD_SIZE)
		return error_set(err, SUTURE_E_BAD_PATCH_FILE, "patch: truncated");
	memcpy(word, data + 4, size - 4);
	word[size - 4] = '\0';
	word[strcspn(word, "\n")] = '\0';
	return 0;
}

static struct json_object *blockers(void)
{
	return json_tokener_parse("{\"blockers\":[{\"tid\":4242,\"thread\":\"room 1\",\"function\":"
				  "\"on_move\",\"backtrace\":[\"on_move+0x12\",\"tick\"]}]}");
}

static int outcome(const char *word, struct json_object **result, struct suture_error *err)
{
	if (strcmp(word, "ok") == 0 || strcmp(word, "slow") == 0)
		return 0;
	if (strcmp(word, "busy") == 0) {
		*result = blockers();
		error_set(err, SUTURE_E_BUSY_STACK, "on_move() is in use");
		return error_next(err, "try again, or give it more time with --timeout");
	}
	if (strcmp(word, "layout") == 0) {
		error_set(err, SUTURE_E_LAYOUT_CHANGED,
			  "struct player changes layout\n"
			  "coin 0->4, x 4->0   player.h:3   used by on_move() at scene.c:88");
		return error_next(err,
				  "keep the layout and add fields with suture_shadow_get(), or "
				  "see suture-authoring(7)");
	}
	if (strcmp(word, "signature") == 0)
		return error_set(err, SUTURE_E_SIGNATURE, "the patch is not signed");
	if (strcmp(word, "evil") == 0)
		return error_set(err, SUTURE_E_BUILD_ID, "\033[2Jcleared");
	return error_set(err, SUTURE_E_BAD_PATCH_FILE, "patch: '%s' is no outcome", word);
}

static int run_check(struct server_call *call, struct json_object *params, int fd,
		     struct json_object **result, struct suture_error *err)
{
	char word[WORD_SIZE];
	int rc = rpc_params_only(params, known, err);

	(void)call;
	if (!rc)
		rc = read_word(fd, word, err);
	if (rc)
		return rc;
	if (outcome(word, result, err) == 0)
		*result = json_tokener_parse(
			"{\"result\":\"ok\",\"functions\":[{\"name\":\"on_move\","
			"\"tier\":\"plain\"}],\"refusals\":[],\"blockers\":[],"
			"\"predicted_pause_us\":85}");
	else if (*result)
		rpc_json_add(*result, "result", rpc_json_string("busy"));
	else
		*result = json_tokener_parse(
			"{\"result\":\"refused\",\"functions\":[],\"refusals\":[{\"code\":"
			"\"LAYOUT_CHANGED\",\"message\":\"struct player changes "
			"layout\",\"next\":\"keep "
			"it\"}],\"blockers\":[]}");
	rpc_json_add(*result, "pid", json_object_new_int(getpid()));
	return 0;
}

static struct json_object *report(const char *result, bool changed)
{
	struct json_object *answer = json_tokener_parse(
		"{\"name\":\"fix\",\"rung\":\"lazy\",\"threads\":12,\"attempts\":1,\"functions\":3,"
		"\"prepare_us\":6200,\"pause_us\":85,\"total_us\":7100}");

	rpc_json_add(answer, "result", rpc_json_string(result));
	rpc_json_add(answer, "changed", json_object_new_boolean(changed));
	rpc_json_add(answer, "pid", json_object_new_int(getpid()));
	return answer;
}

static int run_apply(struct server_call *call, struct json_object *params, int fd,
		     struct json_object **result, struct suture_error *err)
{
	char word[WORD_SIZE];
	int rc = rpc_params_only(params, known, err);

	if (!rc)
		rc = read_word(fd, word, err);
	if (!rc)
		rc = outcome(word, result, err);
	if (rc)
		return rc;
	if (strcmp(word, "slow") == 0) {
		struct json_object *info = json_object_new_object();

		rpc_json_add(info, "message", rpc_json_string("waiting for on_move()"));
		server_call_progress(call, info);
		for (int i = 0; i < 100 && !server_call_abandoned(call); i++)
			usleep(10000);
	}
	*result = report("applied", !applied);
	applied = true;
	return 0;
}

static int run_revert(struct server_call *call, struct json_object *params, int fd,
		      struct json_object **result, struct suture_error *err)
{
	const char *name;
	int rc = rpc_params_need_string(params, "name", 64, &name, err);

	(void)call;
	(void)fd;
	if (rc)
		return rc;
	if (strcmp(name, "fix") != 0) {
		error_set(err, SUTURE_E_NOT_APPLIED, "no patch '%s' was ever applied", name);
		return error_next(err, "'suture list' names those that are");
	}
	*result = report("reverted", applied);
	applied = false;
	return 0;
}

static int run_list(struct server_call *call, struct json_object *params, int fd,
		    struct json_object **result, struct suture_error *err)
{
	struct json_object *answer = json_object_new_object(), *list = json_object_new_array();

	(void)call;
	(void)params;
	(void)fd;
	(void)err;
	if (applied)
		rpc_json_append(list,
				json_tokener_parse(
					"{\"name\":\"fix\",\"hash\":\"ab\",\"state\":\"applied\","
					"\"order\":1,\"functions\":[\"on_move\",\"tick\"],"
					"\"applied_at\":\"2026-01-02T03:04:05Z\",\"calls\":null}"));
	rpc_json_add(answer, "pid", json_object_new_int(getpid()));
	rpc_json_add(answer, "patches", list);
	*result = answer;
	return 0;
}

static int run_status(struct server_call *call, struct json_object *params, int fd,
		      struct json_object **result, struct suture_error *err)
{
	(void)call;
	(void)params;
	(void)fd;
	(void)err;
	*result = json_tokener_parse(
		"{\"exe\":\"/srv/"
		"arena\",\"build_id\":\"0123abcd\",\"agent\":{\"version\":\"0.1.0\","
		"\"rss\":1048576,\"rungs\":[\"lazy\",\"full\"]},\"threads\":12,\"pauses\":{"
		"\"count\":2,"
		"\"p50_us\":80,\"p99_us\":90,\"max_us\":91},\"retired_bytes\":4096,\"shadow\":{}}");
	rpc_json_add(*result, "pid", json_object_new_int(getpid()));
	rpc_json_add(*result, "patches", json_object_new_int(applied));
	return 0;
}

static const struct server_command commands[] = {
	{.method = "check", .slow = true, .takes_fd = true, .run = run_check},
	{.method = "apply", .mutates = true, .takes_fd = true, .run = run_apply},
	{.method = "revert", .mutates = true, .run = run_revert},
	{.method = "list", .help = "patches in this process", .run = run_list},
	{.method = "status", .help = "the agent and its process", .run = run_status},
};

static void *serve(void *argument)
{
	struct suture_error err;

	pthread_setname_np(pthread_self(), "suture");
	if (server_run(argument, &err))
		fprintf(stderr, "fake_agent: %s\n", err.message);
	return NULL;
}

int main(void)
{
	struct server_options options = {.commands = commands,
					 .command_count = sizeof(commands) / sizeof(commands[0])};
	struct suture_error err;
	struct server *server;
	pthread_t thread;

	if (server_create(&options, &server, &err)) {
		fprintf(stderr, "fake_agent: %s\n", err.message);
		return 1;
	}
	if (pthread_create(&thread, NULL, serve, server)) {
		server_destroy(server);
		return 1;
	}
	printf("ready %d %s\n", (int)getpid(), server_path(server));
	fflush(stdout);
	getchar();
	server_stop(server);
	pthread_join(thread, NULL);
	server_destroy(server);
	return 0;
}

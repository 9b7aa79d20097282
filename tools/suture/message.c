/* SPDX-License-Identifier: MIT */
/* Messages; see message.h. */
#include "cli/message.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "binary/readable.h"
#include "rpc/error.h"

#include <errno.h>
#include <string.h>

static const char *kind_of(int exit_code)
{
	switch (exit_code) {
	case 1:
		return "error: ";
	case 4:
		return "refused: ";
	case 5:
		return "busy: ";
	case 6:
		return "reverted: ";
	case 7:
		return "not permitted: ";
	case 8:
		return "uncertain: ";
	default:
		return "";
	}
}

void message_put(FILE *to, const char *text)
{
	cleanup_memory char *readable = readable_text(text);

	if (!readable)
		return;
	text_make_printable(readable);
	fputs(readable, to);
}

/* Lines after the first, indented. */
static void put_more_lines(FILE *to, const char *text)
{
	char line[SUTURE_ERROR_MESSAGE_SIZE];

	while (*text) {
		size_t length = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)length, text);
		fputs("  ", to);
		message_put(to, line + strspn(line, " "));
		fputc('\n', to);
		text += length + (text[length] == '\n');
	}
}

static void put_blocker(FILE *to, struct json_object *blocker)
{
	struct json_object *backtrace = rpc_json_get_array(blocker, "backtrace");
	const char *function = rpc_json_get_string(blocker, "function", "?");

	fputs("  thread ", to);
	message_put(to, rpc_json_get_string(blocker, "thread", "?"));
	fprintf(to, " (tid %lld)", (long long)rpc_json_get_int(blocker, "tid", 0));
	/* One that could not be stopped is not in the way of a function. */
	if (*function) {
		fputs(" is in ", to);
		message_put(to, function);
	}
	fputs("\n", to);
	for (size_t i = 0; backtrace && i < json_object_array_length(backtrace); i++) {
		const char *frame = json_object_get_string(json_object_array_get_idx(backtrace, i));

		fprintf(to, "    #%zu ", i);
		message_put(to, frame ? frame : "?");
		fputc('\n', to);
	}
}

void message_error(const struct cli *cli, const struct suture_error *err,
		   struct json_object *details, const char *state)
{
	struct json_object *blockers = rpc_json_get_array(details, "blockers");
	size_t first = strcspn(err->message, "\n");
	char what[SUTURE_ERROR_MESSAGE_SIZE];

	snprintf(what, sizeof(what), "%.*s", (int)first, err->message);
	fflush(stdout);
	fputs(cli->color_err ? "\033[1;31msuture:\033[0m " : "suture: ", stderr);
	fputs(kind_of(suture_code_exit(err->code)), stderr);
	message_put(stderr, what);
	fprintf(stderr, " (%s)\n", suture_code_name(err->code));
	put_more_lines(stderr, err->message + first + (err->message[first] == '\n'));
	for (size_t i = 0; blockers && i < json_object_array_length(blockers); i++)
		put_blocker(stderr, json_object_array_get_idx(blockers, i));
	if (state) {
		fputs("  ", stderr);
		message_put(stderr, state);
		fputc('\n', stderr);
	}
	if (err->next[0]) {
		fputs("  next: ", stderr);
		message_put(stderr, err->next);
		fputc('\n', stderr);
	}
}

struct json_object *message_document(const struct suture_error *err, struct json_object *details)
{
	struct json_object *document = json_object_new_object();
	struct json_object *inner = rpc_error_document(err);

	if (json_object_is_type(details, json_type_object)) {
		json_object_object_foreach (details, key, value) {
			if (!json_object_object_get_ex(inner, key, NULL))
				rpc_json_add(inner, key, json_object_get(value));
		}
	}
	if (!rpc_json_add(document, "error", inner)) {
		json_object_put(document);
		return NULL;
	}
	return document;
}

int message_json(struct json_object *document, int exit_code)
{
	const char *line = document ? rpc_json_line(document) : NULL;

	if (line)
		puts(line);
	else
		exit_code = exit_code ? exit_code : 1;
	json_object_put(document);
	return message_flush(exit_code);
}

int message_flush(int exit_code)
{
	static bool said;

	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return exit_code;
	if (!said)
		fprintf(stderr, "suture: error: the answer can't be written: %s (IO)\n%s",
			errno ? strerror(errno) : "output failed",
			exit_code ? "" : "  what was asked for was done\n");
	said = true;
	return message_worse(exit_code, 1);
}

int message_fail(struct cli *cli, const struct suture_error *err)
{
	int exit_code = suture_code_exit(err->code);

	if (cli->json)
		return message_json(message_document(err, NULL), exit_code);
	message_error(cli, err, NULL, NULL);
	return exit_code;
}

int message_worse(int a, int b)
{
	/* What may not be retried outweighs what may: 5 for a group means that a retry can help. */
	static const int order[] = {8, 6, 1, 7, 4, 2, 3, 5, 0};

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return a > b ? a : b;
}

/* SPDX-License-Identifier: MIT */
/* A hostile agent's answers, as the command line presents them: words, rows, documents. */
#include "base/bytes.h"
#include "cli/await.h"
#include "cli/eventlog.h"
#include "cli/message.h"
#include "cli/transaction.h"
#include "rpc/error.h"
#include "rpc/message.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libFuzzer reports to descriptor 2: words go elsewhere. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	stdout = fopen("/dev/null", "w");
	stderr = fopen("/dev/null", "w");
	return stdout && stderr ? 0 : 1;
}

static void show_events(const struct cli *cli, const struct subject *subject)
{
	struct json_object *events = rpc_json_get_array(subject->answer, "events");

	for (size_t i = 0; events && i < json_object_array_length(events); i++)
		eventlog_put(cli, subject, json_object_array_get_idx(events, i), i % 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cli cli = {.verbose = size % 2, .color_out = size % 3 == 0};
	struct subject subject = {.process = {.pid = 1, .name = "server"}};
	struct json_object *details = NULL;
	struct rpc_message message;
	struct suture_error err;
	char brief[32];

	if (rpc_message_parse((const char *)data, size, RPC_FROM_AGENT, &message, &err)) {
		rpc_message_fini(&message);
		return 0;
	}
	if (message.kind == RPC_FAILURE) {
		rpc_error_read(message.error, &err, &details);
		message_error(&cli, &err, details, "was not changed");
		json_object_put(message_document(&err, details));
	} else if (message.kind == RPC_RESULT) {
		subject.answer = message.result;
		transaction_show(&cli, &subject);
		transaction_brief(&subject, brief, sizeof(brief));
		await_hint(stdout, &subject, rpc_json_get_object(message.result, "confirm"), "x");
		show_events(&cli, &subject);
	}
	rpc_message_fini(&message);
	return 0;
}

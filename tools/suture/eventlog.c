/* SPDX-License-Identifier: MIT */
/* Lines of the event log; see eventlog.h. Columns are fixed: lines come one by one. */
#include "cli/eventlog.h"

#include "base/text.h"
#include "cli/columns.h"
#include "cli/duration.h"
#include "cli/message.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>

enum { LINE_WIDTH = 80, NAME_COLUMN = 49 };

#define LINE_FORMAT "%-20.20s  %-8.8s  %-15.15s  %s"

void eventlog_title(bool many)
{
	if (many)
		printf("%7s  ", "PID");
	printf(LINE_FORMAT "\n", "TIME", "WHO", "EVENT", "PATCH, RESULT");
}

/* "2026-01-02T03:04:05.678Z" without the fraction. */
static void short_time(const char *at, char text[24])
{
	snprintf(text, 24, "%.19s%s", at, strlen(at) > 19 ? "Z" : "");
}

static void user_name(struct json_object *who, char *text, size_t size)
{
	uid_t uid = (uid_t)rpc_json_get_int(who, "uid", 0);
	struct passwd *entry = who ? getpwuid(uid) : NULL;

	if (!who)
		snprintf(text, size, "agent");
	else if (entry)
		snprintf(text, size, "%s", entry->pw_name);
	else
		snprintf(text, size, "%u", (unsigned)uid);
}

static void put_more(const char *key, const char *value, bool many)
{
	if (!*value)
		return;
	printf("%*s%s", many ? 31 : 22, "", key);
	message_put(stdout, value);
	putchar('\n');
}

void eventlog_put(const struct cli *cli, const struct subject *subject, struct json_object *event,
		  bool many)
{
	struct json_object *who = rpc_json_get_object(event, "who");
	const char *result = rpc_json_get_string(event, "result", "?");
	const char *name = rpc_json_get_string(event, "name", "");
	uint64_t pause_us = (uint64_t)rpc_json_get_int(event, "pause_us", 0);
	char at[24], user[64], pause[DURATION_TEXT_SIZE] = "", rest[192] = "", shown[80];
	int room = LINE_WIDTH - (many ? 9 : 0) - NAME_COLUMN - 2 - (int)strlen(result);
	bool below; /* there is no room for the pause in the line */

	short_time(rpc_json_get_string(event, "at", ""), at);
	user_name(who, user, sizeof(user));
	if (pause_us) {
		duration_format(pause_us, pause);
		snprintf(rest, sizeof(rest), ", paused %s", pause);
	}
	below = pause_us && (int)(columns_of(name) + strlen(rest)) > room;
	if (many)
		printf("%7d  ", (int)subject->process.pid);
	printf("%-20.20s  ", at);
	message_put(stdout, user);
	printf("%*s  ", columns_of(user) < 8 ? 8 - (int)columns_of(user) : 0, "");
	message_put(stdout, rpc_json_get_string(event, "event", "?"));
	printf("%*s  ", 15 - (int)strnlen(rpc_json_get_string(event, "event", "?"), 15), "");
	if (*name) {
		snprintf(shown, sizeof(shown), "%.*s",
			 columns_fit(name, room > 8 ? (size_t)room : 8), name);
		message_put(stdout, shown);
		fputs(": ", stdout);
	}
	message_put(stdout, result);
	if (!below)
		fputs(rest, stdout);
	putchar('\n');
	if (below)
		put_more("paused ", pause, many);
	put_more("", rpc_json_get_string(event, "text", ""), many);
	if (!cli->verbose)
		return;
	put_more("hash ", rpc_json_get_string(event, "hash", ""), many);
	if (who) {
		const char *command = rpc_json_get_string(who, "command", "");

		snprintf(rest, sizeof(rest), "pid %lld: %.*s",
			 (long long)rpc_json_get_int(who, "pid", 0), text_fit(command, 160),
			 command);
		put_more("by ", rest, many);
	}
}

/* SPDX-License-Identifier: MIT */
/* suture uninstall: a patch is no longer kept for starts to come. */
#include "cli/commands.h"
#include "cli/installer.h"
#include "cli/message.h"
#include "cli/options.h"

#include "base/error.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { UNINSTALL_BUILD_ID = OPTION_OWN };

struct uninstall {
	const char *name;
	const char *build_id; /* or its beginning; NULL: all builds */
};

static const struct argp_option list[] = {
	{.name = "build-id",
	 .key = UNINSTALL_BUILD_ID,
	 .arg = "ID",
	 .doc = "for this build alone; the beginning of its id will do"},
	{0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;
	struct uninstall *uninstall = cli->options;

	if (key != UNINSTALL_BUILD_ID)
		return options_parse_none(key, argument, state);
	uninstall->build_id = argument;
	return 0;
}

static const struct argp uninstall_argp = {
	.options = list, .parser = parse, .children = options_common};

void cli_uninstall_help(void)
{
	argp_help(&uninstall_argp, stdout, ARGP_HELP_LONG, "suture uninstall NAME");
}

static bool is_meant(const struct uninstall *uninstall, const struct installer_entry *entry)
{
	return strcmp(entry->patch.name, uninstall->name) == 0 &&
	       (!uninstall->build_id || strncmp(entry->patch.build_id, uninstall->build_id,
						strlen(uninstall->build_id)) == 0);
}

/* The first that can't be removed ends it. */
static int remove_all(const struct uninstall *uninstall, struct json_object *builds,
		      struct suture_error *err)
{
	struct installer installer;
	size_t removed = 0;
	int rc = installer_open(&installer, INSTALLER_REMOVE, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < installer.count && !rc; i++) {
		const struct installer_entry *entry = &installer.entries[i];

		if (!is_meant(uninstall, entry))
			continue;
		rc = installer_remove(&installer, entry, err);
		if (!rc) {
			rpc_json_append(builds, rpc_json_string(entry->patch.build_id));
			removed++;
		}
	}
	installer_close(&installer);
	if (rc || removed)
		return rc;
	error_set(err, SUTURE_E_NOT_APPLIED, "no patch named %.*s is installed%s",
		  text_fit(uninstall->name, 64), uninstall->name,
		  uninstall->build_id ? " for that build" : "");
	return error_next(err, "'suture install --list' tells what is");
}

static int present(const struct cli *cli, const struct uninstall *uninstall,
		   struct json_object *builds)
{
	size_t count = json_object_array_length(builds);
	struct json_object *document;

	if (cli->json) {
		document = json_object_new_object();
		rpc_json_add(document, "result", rpc_json_string("uninstalled"));
		rpc_json_add(document, "changed", json_object_new_boolean(true));
		rpc_json_add(document, "name", rpc_json_string(uninstall->name));
		rpc_json_add(document, "build_ids", json_object_get(builds));
		return message_json(document, 0);
	}
	if (cli->quiet)
		return 0;
	fputs("uninstalled ", stdout);
	message_put(stdout, uninstall->name);
	printf(" for %zu build%s; where it is applied it stays\n", count, count == 1 ? "" : "s");
	return fflush(stdout) == 0 ? 0 : 1;
}

int cli_uninstall(struct cli *cli, int argc, char **argv)
{
	struct uninstall uninstall = {0};
	struct json_object *builds;
	int exit_code;

	cli->options = &uninstall;
	if (options_parse(cli, &uninstall_argp, argc, argv, &uninstall.name, 1, 1, &exit_code))
		return exit_code;
	builds = json_object_new_array();
	if (remove_all(&uninstall, builds, &cli->err))
		exit_code = message_fail(cli, &cli->err);
	else
		exit_code = present(cli, &uninstall, builds);
	json_object_put(builds);
	return exit_code;
}

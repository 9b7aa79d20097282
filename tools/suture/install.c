/* SPDX-License-Identifier: MIT */
/* suture install: a patch is kept for every start of its build; and what is kept. */
#include "cli/commands.h"
#include "cli/installer.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/patchfile.h"
#include "cli/table.h"

#include "base/error.h"
#include "base/file.h"
#include "patch/trial.h"

#include <stdio.h>

enum { INSTALL_LIST = OPTION_OWN, INSTALL_REPLACE };

struct install {
	bool list;
	bool replace;
};

static const struct argp_option list[] = {
	{.name = "list", .key = INSTALL_LIST, .doc = "what is installed, in the order of its use"},
	{.name = "replace",
	 .key = INSTALL_REPLACE,
	 .doc = "in place of another one of that name, for the same build"},
	{0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;
	struct install *install = cli->options;

	switch (key) {
	case INSTALL_LIST:
		install->list = true;
		return 0;
	case INSTALL_REPLACE:
		install->replace = true;
		return 0;
	default:
		return options_parse_none(key, argument, state);
	}
}

static const struct argp install_argp = {
	.options = list, .parser = parse, .children = options_common};

void cli_install_help(void)
{
	argp_help(&install_argp, stdout, ARGP_HELP_LONG, "suture install PATCH.so");
}

static const char *state_of(const struct installer_entry *entry)
{
	if (entry->damaged)
		return "damaged";
	return entry->crashes >= TRIAL_CRASHES ? "set aside" : "ready";
}

static int present_json(const struct installer *installer)
{
	struct json_object *document = json_object_new_object();
	struct json_object *rows = json_object_new_array();

	for (size_t i = 0; i < installer->count; i++) {
		const struct installer_entry *entry = &installer->entries[i];
		struct json_object *row = json_object_new_object();
		char hash[HASH_TEXT_SIZE];

		hash_text(entry->hash, hash);
		rpc_json_add(row, "name", rpc_json_string(entry->patch.name));
		rpc_json_add(row, "hash", entry->damaged ? NULL : rpc_json_string(hash));
		rpc_json_add(row, "build_id", rpc_json_string(entry->patch.build_id));
		rpc_json_add(row, "order", json_object_new_int64(entry->patch.order));
		rpc_json_add(row, "state", rpc_json_string(state_of(entry)));
		rpc_json_add(row, "crashes", json_object_new_int64(entry->crashes));
		rpc_json_append(rows, row);
	}
	rpc_json_add(document, "dir", rpc_json_string(installed_dir()));
	rpc_json_add(document, "installed", rows);
	return message_json(document, 0);
}

static int present_list(const struct cli *cli, const struct installer *installer)
{
	static const struct table_column columns[] = {{"ORDER", TABLE_RIGHT},
						      {"PATCH", TABLE_NAME},
						      {"STATE", TABLE_PLAIN},
						      {"BUILD-ID", TABLE_CUT},
						      {NULL, 0}};
	struct table *table;

	if (cli->json)
		return present_json(installer);
	if (installer->count == 0) {
		printf("nothing is installed in %s\n", installed_dir());
		return 0;
	}
	table = table_create(columns);
	for (size_t i = 0; i < installer->count; i++) {
		const struct installer_entry *entry = &installer->entries[i];
		char order[16];
		const char *cells[] = {order, entry->patch.name, state_of(entry),
				       entry->patch.build_id};

		snprintf(order, sizeof(order), "%u", entry->patch.order);
		table_add(table, cells);
	}
	table_print(table);
	return fflush(stdout) == 0 ? 0 : 1;
}

static int present(const struct cli *cli, const struct installer_result *result,
		   const uint8_t hash[HASH_SIZE])
{
	struct json_object *document;
	char text[HASH_TEXT_SIZE];

	if (cli->json) {
		document = json_object_new_object();
		hash_text(hash, text);
		rpc_json_add(document, "result", rpc_json_string("installed"));
		rpc_json_add(document, "changed", json_object_new_boolean(result->changed));
		rpc_json_add(document, "name", rpc_json_string(result->patch.name));
		rpc_json_add(document, "hash", rpc_json_string(text));
		rpc_json_add(document, "build_id", rpc_json_string(result->patch.build_id));
		rpc_json_add(document, "order", json_object_new_int64(result->patch.order));
		rpc_json_add(document, "path", rpc_json_string(result->path));
		return message_json(document, 0);
	}
	if (cli->quiet)
		return 0;
	fputs(result->changed ? "installed " : "already installed ", stdout);
	message_put(stdout, result->patch.name);
	printf(": every start of build %.16s gets it; what runs now does not\n",
	       result->patch.build_id);
	return fflush(stdout) == 0 ? 0 : 1;
}

static int install_file(struct cli *cli, const char *path, bool replace)
{
	struct installer_result result;
	struct installer installer;
	struct patch_file file;
	cleanup_memory char *signature = NULL;
	size_t size;
	int exit_code, rc = patch_file_read(path, &file, &cli->err);

	if (rc)
		return message_fail(cli, &cli->err);
	rc = patchfile_signature(path, &signature, &size, &cli->err);
	if (!rc)
		rc = installer_open(&installer, INSTALLER_ADD, &cli->err);
	if (!rc) {
		rc = installer_add(&installer, &file, signature, replace, &result, &cli->err);
		installer_close(&installer);
	}
	exit_code = rc ? message_fail(cli, &cli->err) : present(cli, &result, file.hash);
	patch_file_fini(&file);
	return exit_code;
}

static int show_installed(struct cli *cli)
{
	struct installer installer;
	int exit_code;

	if (installer_open(&installer, INSTALLER_LOOK, &cli->err))
		return message_fail(cli, &cli->err);
	exit_code = present_list(cli, &installer);
	installer_close(&installer);
	return exit_code;
}

int cli_install(struct cli *cli, int argc, char **argv)
{
	struct install install = {0};
	const char *path = NULL;
	int exit_code;

	cli->options = &install;
	if (options_parse(cli, &install_argp, argc, argv, &path, 0, 1, &exit_code))
		return exit_code;
	if (!path == !install.list) {
		error_set(&cli->err, SUTURE_E_USAGE, "suture install takes a PATCH.so, or --list");
		error_next(&cli->err, "see 'suture help install'");
		return message_fail(cli, &cli->err);
	}
	return path ? install_file(cli, path, install.replace) : show_installed(cli);
}

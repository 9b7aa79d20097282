/* SPDX-License-Identifier: MIT */
/* suture info: what is in a patch file. The file is read by the agent's own validated reader. */
#include "cli/commands.h"
#include "cli/message.h"
#include "cli/options.h"
#include "cli/seal.h"
#include "cli/table.h"
#include "cli/tiers.h"

#include "base/hash.h"
#include "patch/file.h"

#include <stdio.h>
#include <string.h>

enum { INFO_KEY = OPTION_OWN, INFO_BINARY };

struct info_options {
	const char *key_file;
	const char *binary; /* whose functions it replaces: their trampolines are told too */
};

static const struct argp_option info_list[] = {
	{.name = "key",
	 .key = INFO_KEY,
	 .arg = "PUBLIC_KEY",
	 .doc = "check the signature with this key of minisign (7: it is wrong or missing)"},
	{.name = "binary",
	 .key = INFO_BINARY,
	 .arg = "FILE",
	 .doc = "say which trampoline would serve each function of FILE that it replaces"},
	{0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;
	struct info_options *options = cli->options;

	if (key == INFO_KEY)
		options->key_file = argument;
	else if (key == INFO_BINARY)
		options->binary = argument;
	else
		return options_parse_none(key, argument, state);
	return 0;
}

static const struct argp info_argp = {
	.options = info_list, .parser = parse, .children = options_common};

enum { BUILD_ID_TEXT = 2 * FORMAT_BUILD_ID_SIZE + 1 };

void cli_info_help(void)
{
	argp_help(&info_argp, stdout, ARGP_HELP_LONG, "suture info");
}

static const char *text_at(const struct patch_file *file, uint64_t ref)
{
	const char *text = patch_file_string(file, ref);

	return text ? text : "";
}

static const char *module_name(const struct patch_file *file, uint64_t ref)
{
	const struct format_module *module = patch_file_module(file, ref);

	return module ? text_at(file, module->name_ref) : "";
}

static void build_id_text(const struct format_module *module, char text[BUILD_ID_TEXT])
{
	text[0] = '\0';
	for (uint32_t i = 0; i < module->build_id_size && i < FORMAT_BUILD_ID_SIZE; i++)
		snprintf(text + 2 * (size_t)i, 3, "%02x", module->build_id[i]);
}

static const char *machine_name(const struct patch_file *file)
{
	switch (file->ehdr->e_machine) {
	case EM_X86_64:
		return "x86-64";
	case EM_AARCH64:
		return "aarch64";
	default:
		return "unknown";
	}
}

static const char *data_kind(uint32_t kind)
{
	switch (kind) {
	case FORMAT_DATA_CONST:
	case FORMAT_DATA_ADDRESS:
		return "const";
	case FORMAT_DATA_SET:
		return "set";
	case FORMAT_DATA_NEW:
		return "new";
	case FORMAT_DATA_KEEP:
		return "keep";
	default:
		return "unknown";
	}
}

static struct json_object *modules_json(const struct patch_file *file)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < file->modules.count; i++) {
		const struct format_module *module = &file->modules.records[i];
		struct json_object *row = json_object_new_object();
		char build_id[BUILD_ID_TEXT];

		build_id_text(module, build_id);
		rpc_json_add(row, "name", rpc_json_string(text_at(file, module->name_ref)));
		rpc_json_add(row, "build_id", rpc_json_string(build_id));
		rpc_json_add(row, "executable",
			     json_object_new_boolean(module->flags & FORMAT_MODULE_EXECUTABLE));
		rpc_json_append(list, row);
	}
	return list;
}

/* tiers->rows is NULL where no binary was given. */
static struct json_object *functions_json(const struct patch_file *file, const struct tiers *tiers)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < file->functions.count; i++) {
		const struct format_function *function = &file->functions.records[i];
		struct json_object *row = json_object_new_object();

		rpc_json_add(row, "name", rpc_json_string(text_at(file, function->name_ref)));
		rpc_json_add(row, "unit", rpc_json_string(text_at(file, function->unit_ref)));
		rpc_json_add(row, "module",
			     rpc_json_string(module_name(file, function->module_ref)));
		rpc_json_add(row, "size", json_object_new_uint64(function->size));
		rpc_json_add(row, "new_size", json_object_new_uint64(function->replacement_size));
		if (tiers->rows && tiers->rows[i].tier)
			rpc_json_add(row, "tier", rpc_json_string(tiers->rows[i].tier));
		if (tiers->rows && tiers->rows[i].reason)
			rpc_json_add(row, "reason", rpc_json_string(tiers->rows[i].reason));
		rpc_json_append(list, row);
	}
	return list;
}

static struct json_object *data_json(const struct patch_file *file)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < file->data.count; i++) {
		const struct format_data *data = &file->data.records[i];
		struct json_object *row = json_object_new_object();

		rpc_json_add(row, "name", rpc_json_string(text_at(file, data->name_ref)));
		rpc_json_add(row, "unit", rpc_json_string(text_at(file, data->unit_ref)));
		rpc_json_add(row, "kind", rpc_json_string(data_kind(data->kind)));
		rpc_json_add(row, "size", json_object_new_uint64(data->size));
		rpc_json_append(list, row);
	}
	return list;
}

static struct json_object *depends_json(const struct patch_file *file)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < file->depends.count; i++) {
		const struct format_depend *depend = &file->depends.records[i];
		struct json_object *row = json_object_new_object();
		char hash[HASH_TEXT_SIZE];

		hash_text(depend->hash, hash);
		rpc_json_add(row, "name", rpc_json_string(text_at(file, depend->name_ref)));
		rpc_json_add(row, "hash", rpc_json_string(hash));
		rpc_json_append(list, row);
	}
	return list;
}

/* Types whose living objects are written anew, and whether there is a way back. */
static struct json_object *migrations_json(const struct patch_file *file)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < file->migrations.count; i++) {
		const struct format_migration *migration = &file->migrations.records[i];
		struct json_object *row = json_object_new_object();

		rpc_json_add(row, "type", rpc_json_string(text_at(file, migration->type_ref)));
		rpc_json_add(row, "old_size", json_object_new_uint64(migration->old_size));
		rpc_json_add(row, "new_size", json_object_new_uint64(migration->new_size));
		rpc_json_add(row, "reversible",
			     json_object_new_boolean(migration->reverse_address != FORMAT_NONE));
		rpc_json_append(list, row);
	}
	return list;
}

static struct json_object *names_json(const struct patch_file *file)
{
	struct json_object *object = json_object_new_object();
	struct json_object *hooks = json_object_new_array(), *idle = json_object_new_array();
	struct json_object *provenance = json_object_new_object();

	for (size_t i = 0; i < file->hooks.count; i++)
		rpc_json_append(hooks,
				rpc_json_string(patch_hook_name(file->hooks.records[i].kind)));
	for (size_t i = 0; i < file->idle.count; i++)
		rpc_json_append(idle,
				rpc_json_string(text_at(file, file->idle.records[i].name_ref)));
	for (size_t i = 0; i < file->provenance.count; i++) {
		const struct format_provenance *entry = &file->provenance.records[i];

		rpc_json_add(provenance, text_at(file, entry->key_ref),
			     rpc_json_string(text_at(file, entry->value_ref)));
	}
	rpc_json_add(object, "hooks", hooks);
	rpc_json_add(object, "originals", json_object_new_uint64(file->originals.count));
	rpc_json_add(object, "idle", idle);
	rpc_json_add(object, "provenance", provenance);
	return object;
}

static int show_json(const struct patch_file *file, const char *path, const struct seal *seal,
		     const struct tiers *tiers)
{
	struct json_object *document = json_object_new_object(), *names = names_json(file);
	char hash[HASH_TEXT_SIZE];

	hash_text(file->hash, hash);
	rpc_json_add(document, "file", rpc_json_string(path));
	rpc_json_add(document, "name", rpc_json_string(file->name));
	rpc_json_add(document, "description",
		     rpc_json_string(file->description ? file->description : ""));
	rpc_json_add(document, "hash", rpc_json_string(hash));
	rpc_json_add(document, "size", json_object_new_uint64(file->size));
	rpc_json_add(document, "architecture", rpc_json_string(machine_name(file)));
	rpc_json_add(document, "format", json_object_new_int(FORMAT_VERSION));
	json_object_object_add(document, "signature", seal_json(seal));
	rpc_json_add(document, "modules", modules_json(file));
	rpc_json_add(document, "functions", functions_json(file, tiers));
	rpc_json_add(document, "data", data_json(file));
	rpc_json_add(document, "depends", depends_json(file));
	rpc_json_add(document, "migrations", migrations_json(file));
	json_object_object_foreach (names, key, value)
		rpc_json_add(document, key, json_object_get(value));
	json_object_put(names);
	return message_json(document, 0);
}

static void put_line(const char *key, const char *value)
{
	printf("%-12s ", key);
	message_put(stdout, value);
	putchar('\n');
}

static void show_unpatchable(const struct patch_file *file, const struct tiers *tiers)
{
	for (size_t i = 0; tiers->rows && i < tiers->count; i++) {
		if (!tiers->rows[i].reason)
			continue;
		fputs("can't be patched: ", stdout);
		message_put(stdout, text_at(file, file->functions.records[i].name_ref));
		fputs(": ", stdout);
		message_put(stdout, tiers->rows[i].reason);
		putchar('\n');
	}
}

static void show_functions(const struct patch_file *file, const struct tiers *tiers)
{
	const struct table_column columns[] = {{"FUNCTION", TABLE_NAME},
					       {"UNIT", TABLE_CUT},
					       {"MODULE", TABLE_CUT},
					       {"BYTES", TABLE_RIGHT},
					       {"NEW", TABLE_RIGHT},
					       {tiers->rows ? "TRAMPOLINE" : NULL, TABLE_PLAIN},
					       {NULL, 0}};
	struct table *table = table_create(columns);

	for (size_t i = 0; i < file->functions.count; i++) {
		const struct format_function *function = &file->functions.records[i];
		char size[24], new_size[24];
		const char *cells[] = {text_at(file, function->name_ref),
				       text_at(file, function->unit_ref),
				       module_name(file, function->module_ref),
				       size,
				       new_size,
				       tiers->rows ? tiers->rows[i].tier : NULL};

		snprintf(size, sizeof(size), "%llu", (unsigned long long)function->size);
		snprintf(new_size, sizeof(new_size), "%llu",
			 (unsigned long long)function->replacement_size);
		table_add(table, cells);
	}
	putchar('\n');
	table_print(table);
	show_unpatchable(file, tiers);
}

static void show_migrations(const struct patch_file *file)
{
	for (size_t i = 0; i < file->migrations.count; i++) {
		const struct format_migration *migration = &file->migrations.records[i];

		fputs("migrates  ", stdout);
		message_put(stdout, text_at(file, migration->type_ref));
		printf(": %llu to %llu bytes%s\n", (unsigned long long)migration->old_size,
		       (unsigned long long)migration->new_size,
		       migration->reverse_address == FORMAT_NONE ? ", one way" : "");
	}
}

static void show_data(const struct patch_file *file)
{
	static const struct table_column columns[] = {{"DATA", TABLE_NAME},
						      {"UNIT", TABLE_CUT},
						      {"KIND", TABLE_PLAIN},
						      {"BYTES", TABLE_RIGHT},
						      {NULL, 0}};
	struct table *table;

	if (file->data.count == 0)
		return;
	table = table_create(columns);
	for (size_t i = 0; i < file->data.count; i++) {
		const struct format_data *data = &file->data.records[i];
		char size[24];
		const char *cells[] = {text_at(file, data->name_ref), text_at(file, data->unit_ref),
				       data_kind(data->kind), size};

		snprintf(size, sizeof(size), "%llu", (unsigned long long)data->size);
		table_add(table, cells);
	}
	putchar('\n');
	table_print(table);
}

/* The parts for several modules come from one diff. */
static bool told_before(const struct patch_file *file, size_t index)
{
	const struct format_provenance *list = file->provenance.records;

	for (size_t i = 0; i < index; i++)
		if (strcmp(text_at(file, list[i].key_ref), text_at(file, list[index].key_ref)) ==
			    0 &&
		    strcmp(text_at(file, list[i].value_ref),
			   text_at(file, list[index].value_ref)) == 0)
			return true;
	return false;
}

static void show_rest(const struct cli *cli, const struct patch_file *file)
{
	for (size_t i = 0; i < file->depends.count; i++)
		put_line("needs", text_at(file, file->depends.records[i].name_ref));
	for (size_t i = 0; i < file->hooks.count; i++)
		put_line("hook", patch_hook_name(file->hooks.records[i].kind));
	for (size_t i = 0; i < file->idle.count; i++)
		put_line("idle", text_at(file, file->idle.records[i].name_ref));
	for (size_t i = 0; cli->verbose && i < file->provenance.count; i++) {
		const struct format_provenance *entry = &file->provenance.records[i];

		if (strcmp(text_at(file, entry->key_ref), "diff-text") == 0)
			continue; /* long: --json has it */
		if (told_before(file, i))
			continue;
		put_line(text_at(file, entry->key_ref), text_at(file, entry->value_ref));
	}
}

static void show_seal(const struct seal *seal)
{
	char text[512];

	seal_text(seal, text, sizeof(text));
	put_line("signature", text);
}

static void show(const struct cli *cli, const struct patch_file *file, const struct seal *seal,
		 const struct tiers *tiers)
{
	char hash[HASH_TEXT_SIZE], build_id[BUILD_ID_TEXT], text[256];

	put_line("name", file->name);
	if (file->description)
		put_line("description", file->description);
	hash_text(file->hash, hash);
	put_line("hash", hash);
	show_seal(seal);
	put_line("architecture", machine_name(file));
	for (size_t i = 0; i < file->modules.count; i++) {
		const struct format_module *module = &file->modules.records[i];

		build_id_text(module, build_id);
		snprintf(text, sizeof(text), "%.100s, build-id %s", text_at(file, module->name_ref),
			 build_id);
		put_line("for", text);
	}
	show_rest(cli, file);
	show_functions(file, tiers);
	show_data(file);
	show_migrations(file);
}

int cli_info(struct cli *cli, int argc, char **argv)
{
	struct info_options options = {0};
	struct tiers tiers = {0};
	struct patch_file file;
	struct seal seal;
	const char *path;
	int exit_code = 0, rc;

	cli->options = &options;
	if (options_parse(cli, &info_argp, argc, argv, &path, 1, 1, &exit_code))
		return exit_code;
	if (patch_file_read(path, &file, &cli->err))
		return message_fail(cli, &cli->err);
	rc = seal_read(path, options.key_file, file.bytes, file.size, &seal, &cli->err);
	if (!rc && options.binary)
		rc = tiers_read(&tiers, &file, options.binary, &cli->err);
	if (rc)
		exit_code = message_fail(cli, &cli->err);
	else if (cli->json)
		exit_code = show_json(&file, path, &seal, &tiers);
	else if (!cli->quiet)
		show(cli, &file, &seal, &tiers);
	tiers_fini(&tiers);
	patch_file_fini(&file);
	return message_flush(exit_code);
}

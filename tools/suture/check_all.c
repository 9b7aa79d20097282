/* SPDX-License-Identifier: MIT */
/* suture check --all-functions; see check_all.h. */
#include "cli/check_all.h"

#include "cli/message.h"
#include "cli/options.h"
#include "cli/tiers.h"

#include <stdio.h>
#include <string.h>

#define OPTION_NAME "all-functions"

enum { CHECK_ALL_FILE = OPTION_OWN };

struct totals {
	size_t tiers[TRAMPOLINE_PUN + 1];
	size_t functions;
	size_t callable;		 /* the original can be called through an island */
	struct json_object *unpatchable; /* array of {"name", "reason"} */
};

static const struct argp_option list[] = {
	{.name = OPTION_NAME, .key = CHECK_ALL_FILE, .arg = "FILE"},
	{0},
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
	struct cli *cli = state->input;

	if (key != CHECK_ALL_FILE)
		return options_parse_none(key, argument, state);
	*(const char **)cli->options = argument;
	return 0;
}

static const struct argp check_all_argp = {
	.options = list, .parser = parse, .children = options_common};

bool check_all_wanted(int argc, char **argv)
{
	static const char word[] = "--" OPTION_NAME;
	size_t length = sizeof(word) - 1;

	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strncmp(argv[i], word, length) == 0 &&
		    (argv[i][length] == '\0' || argv[i][length] == '='))
			return true;
	return false;
}

static int take(struct totals *totals, const struct codefile *file, struct suture_error *err)
{
	struct survey survey;
	int rc = survey_init(&survey, &file->object, err);

	for (size_t i = 0; !rc && i < file->object.count; i++) {
		struct trampoline plan;
		const char *reason;
		struct json_object *row;

		if (survey_is_part(&survey, i))
			continue;
		totals->functions++;
		rc = tiers_plan(&survey, i, &plan, &reason, err);
		if (rc)
			break;
		totals->tiers[plan.tier]++;
		if (!reason) {
			totals->callable += plan.why_not == ARCH_OK;
			continue;
		}
		row = json_object_new_object();
		rpc_json_add(row, "name", rpc_json_string(file->object.functions[i].name));
		rpc_json_add(row, "reason", rpc_json_string(reason));
		rpc_json_append(totals->unpatchable, row);
	}
	survey_fini(&survey);
	return rc;
}

static const struct {
	enum trampoline_tier tier;
	const char *name;
	const char *what;
} rows[] = {
	{TRAMPOLINE_PLAIN, "plain", "a jump at the entry"},
	{TRAMPOLINE_PADDING, "padding", "a jump that runs into the padding behind the function"},
	{TRAMPOLINE_HOLE, "hole", "a short jump to padding nearby"},
	{TRAMPOLINE_PUN, "punned", "a jump whose last bytes are the next instruction's first"},
};

enum { ROW_COUNT = sizeof(rows) / sizeof(rows[0]) };

static double percent(const struct totals *totals, size_t count)
{
	return totals->functions ? 100.0 * (double)count / (double)totals->functions : 0.0;
}

static void show(const struct totals *totals, const char *path)
{
	size_t refused = json_object_array_length(totals->unpatchable);

	message_put(stdout, path);
	printf(": %zu functions, each by itself\n", totals->functions);
	for (size_t i = 0; i < ROW_COUNT; i++)
		printf("  %-8s %7zu  %6.2f %%  %s\n", rows[i].name, totals->tiers[rows[i].tier],
		       percent(totals, totals->tiers[rows[i].tier]), rows[i].what);
	printf("  %-8s %7zu  %6.2f %%\n", "none", refused, percent(totals, refused));
	printf("  the original stays callable in %zu (%.2f %%)\n", totals->callable,
	       percent(totals, totals->callable));
	for (size_t i = 0; i < refused; i++) {
		struct json_object *row = json_object_array_get_idx(totals->unpatchable, i);

		fputs("  can't be patched: ", stdout);
		message_put(stdout, rpc_json_get_string(row, "name", "?"));
		fputs(": ", stdout);
		message_put(stdout, rpc_json_get_string(row, "reason", "?"));
		putchar('\n');
	}
}

static int show_json(const struct totals *totals, const char *path)
{
	struct json_object *document = json_object_new_object();
	struct json_object *tiers = json_object_new_object();

	for (size_t i = 0; i < ROW_COUNT; i++)
		rpc_json_add(tiers, rows[i].name,
			     json_object_new_uint64(totals->tiers[rows[i].tier]));
	rpc_json_add(document, "file", rpc_json_string(path));
	rpc_json_add(document, "functions", json_object_new_uint64(totals->functions));
	rpc_json_add(document, "tiers", tiers);
	rpc_json_add(document, "callable", json_object_new_uint64(totals->callable));
	rpc_json_add(document, "unpatchable", json_object_get(totals->unpatchable));
	return message_json(document, 0);
}

int check_all_run(struct cli *cli, int argc, char **argv)
{
	struct totals totals = {.unpatchable = json_object_new_array()};
	struct codefile file;
	const char *path = NULL;
	int exit_code = 0, rc;

	cli->options = &path;
	if (options_parse(cli, &check_all_argp, argc, argv, NULL, 0, 0, &exit_code)) {
		json_object_put(totals.unpatchable);
		return exit_code;
	}
	rc = codefile_open(&file, path, &cli->err);
	if (!rc)
		rc = codefile_need_functions(&file, &cli->err);
	if (!rc)
		rc = take(&totals, &file, &cli->err);
	if (rc)
		exit_code = message_fail(cli, &cli->err);
	else if (cli->json)
		exit_code = show_json(&totals, path);
	else if (!cli->quiet)
		show(&totals, path);
	codefile_close(&file);
	json_object_put(totals.unpatchable);
	return message_flush(exit_code);
}

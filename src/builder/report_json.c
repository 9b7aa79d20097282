/* SPDX-License-Identifier: MIT */
/* The JSON report. Names and meanings are a contract: docs/PROTOCOL.md, CLI.md. */
#include "builder/report.h"

#include "base/error.h"

#include <json-c/json.h>

/* A document that lacks a member for want of memory would be a lie: failures stick. */
struct document {
	bool failed;
};

static json_object *keep(struct document *document, json_object *value)
{
	document->failed |= !value;
	return value;
}

static void put(struct document *document, json_object *object, const char *key, json_object *value)
{
	if (!object || !value || json_object_object_add(object, key, value))
		document->failed = true;
}

static void put_text(struct document *document, json_object *object, const char *key,
		     const char *text)
{
	if (text)
		put(document, object, key, json_object_new_string(text));
	else if (json_object_object_add(object, key, NULL))
		document->failed = true;
}

static void put_number(struct document *document, json_object *object, const char *key,
		       uint64_t value)
{
	put(document, object, key, json_object_new_uint64(value));
}

static void append(struct document *document, json_object *array, json_object *value)
{
	if (!array || !value || json_object_array_add(array, value))
		document->failed = true;
}

static json_object *functions(struct document *document, const struct build_result *result)
{
	const struct core_result *core = &result->core;
	json_object *array = keep(document, json_object_new_array());

	for (size_t i = 0; i < core->function_count; i++) {
		const struct core_function *function = &core->functions[i];
		const struct build_cause *cause = result->causes ? &result->causes[i] : NULL;
		json_object *object = keep(document, json_object_new_object());

		put_text(document, object, "name", function->name);
		put_text(document, object, "unit", function->unit);
		put_text(document, object, "binary", function->binary);
		put_text(document, object, "kind", core_function_kind_name(function->kind));
		put_text(document, object, "because", function->because);
		put_text(document, object, "file", function->file);
		put_number(document, object, "line", function->line);
		put_number(document, object, "target", function->target);
		put_number(document, object, "old_size", function->old_size);
		put_number(document, object, "new_size", function->new_size);
		/* Where the diff touches it, or what was inlined into it. */
		if (cause && cause->edited) {
			put_text(document, object, "edited", cause->edited);
			put_text(document, object, "edited_file", cause->file);
			put_number(document, object, "edited_line", cause->line);
		}
		append(document, array, object);
	}
	return array;
}

static json_object *targets(struct document *document, const struct build_result *result)
{
	json_object *array = keep(document, json_object_new_array());

	for (size_t i = 0; i < result->target_count; i++) {
		const struct build_target *target = &result->targets[i];
		json_object *object = keep(document, json_object_new_object());

		put_text(document, object, "path", target->path);
		put_text(document, object, "build_id",
			 target->build_id[0] ? target->build_id : NULL);
		put(document, object, "patched", json_object_new_boolean(target->patched));
		append(document, array, object);
	}
	return array;
}

static json_object *data(struct document *document, const struct core_result *core)
{
	json_object *array = keep(document, json_object_new_array());

	for (size_t i = 0; i < core->data_count; i++) {
		json_object *object = keep(document, json_object_new_object());

		put_text(document, object, "name", core->data[i].name);
		put_text(document, object, "unit", core->data[i].unit);
		put_text(document, object, "kind", core_data_kind_name(core->data[i].kind));
		put_number(document, object, "size", core->data[i].size);
		append(document, array, object);
	}
	return array;
}

static json_object *idle(struct document *document, const struct core_result *core)
{
	json_object *array = keep(document, json_object_new_array());

	for (size_t i = 0; i < core->idle_count; i++) {
		json_object *object = keep(document, json_object_new_object());

		put_text(document, object, "name", core->idle[i].name);
		put_text(document, object, "unit", core->idle[i].unit);
		put_text(document, object, "because", core->idle[i].because);
		append(document, array, object);
	}
	return array;
}

static json_object *hooks(struct document *document, const struct core_result *core)
{
	json_object *array = keep(document, json_object_new_array());

	for (size_t i = 0; i < core->hook_count; i++) {
		json_object *object = keep(document, json_object_new_object());

		put_text(document, object, "name", core->hooks[i].name);
		put_text(document, object, "unit", core->hooks[i].unit);
		put_text(document, object, "when", core->hooks[i].when);
		append(document, array, object);
	}
	return array;
}

static json_object *migrations(struct document *document, const struct core_result *core)
{
	json_object *array = keep(document, json_object_new_array());

	for (size_t i = 0; i < core->migration_count; i++) {
		const struct core_migration *migration = &core->migrations[i];
		json_object *object = keep(document, json_object_new_object());

		put_text(document, object, "type", migration->type);
		put_text(document, object, "unit", migration->unit);
		put_number(document, object, "old_size", migration->old_size);
		put_number(document, object, "new_size", migration->new_size);
		put_text(document, object, "forward", migration->forward);
		put_text(document, object, "reverse", migration->reverse);
		put(document, object, "reversible",
		    json_object_new_boolean(migration->reverse != NULL));
		append(document, array, object);
	}
	return array;
}

static json_object *refusals(struct document *document, const struct refusals *list)
{
	json_object *array = keep(document, json_object_new_array());

	for (size_t i = 0; i < list->count; i++) {
		json_object *object = keep(document, json_object_new_object());

		put_text(document, object, "code", suture_code_name(list->list[i].code));
		put_text(document, object, "message", list->list[i].message);
		put_text(document, object, "file", list->list[i].file);
		put_number(document, object, "line", list->list[i].line);
		put_text(document, object, "next", list->list[i].next ? list->list[i].next : "");
		append(document, array, object);
	}
	return array;
}

static json_object *notes(struct document *document, const struct strings *list)
{
	json_object *array = keep(document, json_object_new_array());

	for (size_t i = 0; i < list->count; i++)
		append(document, array, json_object_new_string(list->items[i]));
	return array;
}

static int print(struct document *document, json_object *root, FILE *out, struct suture_error *err)
{
	const char *text =
		document->failed
			? NULL
			: json_object_to_json_string_ext(
				  root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
	bool written = text && fprintf(out, "%s\n", text) > 0 && fflush(out) == 0;

	json_object_put(root);
	if (!text)
		return error_no_memory(err);
	return written ? 0 : error_set(err, SUTURE_E_IO, "can't write the report");
}

int report_json(const struct build_result *result, FILE *out, struct suture_error *err)
{
	static const char *const outcomes[] = {"patch", "nothing", "refused"};
	const struct core_result *core = &result->core;
	struct document document = {false};
	json_object *root = keep(&document, json_object_new_object());
	json_object *target = keep(&document, json_object_new_object());
	json_object *verified = keep(&document, json_object_new_object());
	json_object *units = keep(&document, json_object_new_object());
	json_object *times = keep(&document, json_object_new_object());

	put_text(&document, target, "path", result->binary);
	put_text(&document, target, "build_id", core->build_id[0] ? core->build_id : NULL);
	put_number(&document, verified, "exact", core->verified.exact);
	put_number(&document, verified, "equivalent", core->verified.equivalent);
	put_number(&document, verified, "different", core->verified.different);
	put_number(&document, verified, "absent", core->verified.absent);
	put_number(&document, units, "affected", result->units.affected);
	put_number(&document, units, "compiled", result->units.compiled);
	put_number(&document, units, "skipped", result->units.skipped);
	put_number(&document, units, "cached", result->units.cached);
	put_number(&document, times, "total_us", result->total_us);
	put_number(&document, times, "compile_us", result->compile_us);
	put_number(&document, times, "compare_us", result->compare_us);

	put_text(&document, root, "result",
		 result->prepared && result->outcome == CORE_NOTHING ? "prepared"
								     : outcomes[result->outcome]);
	put_text(&document, root, "name", result->name);
	put_text(&document, root, "output", result->outcome == CORE_PATCH ? result->output : NULL);
	if (result->signature)
		put_text(&document, root, "signature", result->signature);
	put(&document, root, "target", target);
	if (result->target_count)
		put(&document, root, "targets", targets(&document, result));
	put(&document, root, "functions", functions(&document, result));
	put(&document, root, "data", data(&document, core));
	put(&document, root, "idle", idle(&document, core));
	put(&document, root, "hooks", hooks(&document, core));
	put(&document, root, "migrations", migrations(&document, core));
	put(&document, root, "verified", verified);
	put(&document, root, "units", units);
	put(&document, root, "refusals", refusals(&document, &result->refusals));
	put(&document, root, "notes", notes(&document, &result->notes));
	put(&document, root, "times", times);
	return print(&document, root, out, err);
}

int report_json_error(const struct suture_error *failure, FILE *out, struct suture_error *err)
{
	struct document document = {false};
	json_object *root = keep(&document, json_object_new_object());
	json_object *error = keep(&document, json_object_new_object());

	put_text(&document, error, "code", suture_code_name(failure->code));
	put_text(&document, error, "message", failure->message);
	put_text(&document, error, "next", failure->next);
	put(&document, root, "error", error);
	return print(&document, root, out, err);
}

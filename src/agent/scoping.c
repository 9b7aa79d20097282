/* SPDX-License-Identifier: MIT */
/* Scopes of patches; see scoping.h. */
#include "agent/scoping.h"

#include "base/error.h"
#include "base/text.h"
#include "rpc/json.h"
#include "scope/hash.h"
#include "scope/thread.h"
#include "scope/values.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

bool scoping_is_in_force(const struct patch *patch)
{
	return patch->scope && patch->scope->in_force;
}

/* ---- what is wished ------------------------------------------------------------------------- */

bool scope_wish_is_empty(const struct scope_wish *wish)
{
	return !wish->value && !wish->by_share && !wish->fresh && !wish->all && !wish->clear;
}

void scoping_destroy(struct scoping *scope)
{
	if (!scope)
		return;
	for (size_t i = 0; i < scope->value_count; i++)
		free(scope->values[i]);
	free(scope->values);
	free(scope);
}

void scoping_forget(struct patch *patch)
{
	if (scoping_is_in_force(patch))
		scope_release(patch->scope->slot);
	scoping_destroy(patch->scope);
	patch->scope = NULL;
}

/* Takes key, which need not be the whole text. A patch is scoped by one. */
static int set_key(struct scoping *scope, const char *key, size_t length, struct suture_error *err)
{
	if (length == 0 || length > SCOPING_KEY)
		return error_set(err, SUTURE_E_USAGE, "a key has 1 to %d bytes", SCOPING_KEY);
	if (scope->key[0] &&
	    (strlen(scope->key) != length || memcmp(scope->key, key, length) != 0)) {
		error_set(err, SUTURE_E_USAGE, "it is scoped by %s: a patch has one key",
			  scope->key);
		return error_next(err, "suture scope NAME --clear first, or stay with %s",
				  scope->key);
	}
	memcpy(scope->key, key, length);
	scope->key[length] = '\0';
	return 0;
}

static bool has_value(const struct scoping *scope, const char *value)
{
	for (size_t i = 0; i < scope->value_count; i++)
		if (scope->values[i] && strcmp(scope->values[i], value) == 0)
			return true;
	return false;
}

static int add_value(struct scoping *scope, const char *value, struct suture_error *err)
{
	char *copy;

	if (scope->value_count == SCOPE_RULE_VALUES) {
		error_set(err, SUTURE_E_UNSUPPORTED, "a patch is scoped to at most %d values",
			  SCOPE_RULE_VALUES);
		return error_next(err, "--percent, --new KEY or --all reach more");
	}
	copy = strdup(value);
	if (!copy)
		return error_no_memory(err);
	scope->values[scope->value_count++] = copy;
	return 0;
}

static int add_pair(struct scoping *scope, const char *pair, struct suture_error *err)
{
	const char *equals = strchr(pair, '=');
	int rc;

	if (!equals)
		return error_set(err, SUTURE_E_USAGE, "a scope is KEY=VALUE, not %.*s",
				 text_fit(pair, 80), pair);
	if (strlen(equals + 1) > SCOPING_VALUE)
		return error_set(err, SUTURE_E_USAGE, "a value has at most %d bytes",
				 SCOPING_VALUE);
	rc = set_key(scope, pair, (size_t)(equals - pair), err);
	return rc || has_value(scope, equals + 1) ? rc : add_value(scope, equals + 1, err);
}

static int set_share(struct scoping *scope, const struct scope_wish *wish, struct suture_error *err)
{
	scope->share = (unsigned)wish->share;
	return wish->key ? set_key(scope, wish->key, strlen(wish->key), err) : 0;
}

static int set_fresh(struct scoping *scope, const char *key, struct suture_error *err)
{
	int rc = set_key(scope, key, strlen(key), err);

	if (rc || scope->fresh)
		return rc;
	if (scope_values_full()) {
		error_set(err, SUTURE_E_NO_ROOM,
			  "%d values of scopes are known: which are new can't be told",
			  SCOPE_KNOWN);
		return error_next(err, "the application says suture_scope_end() where one ends");
	}
	scope->fresh = true;
	return 0;
}

int scoping_copy(const struct scoping *from, struct scoping **made, struct suture_error *err)
{
	struct scoping *scope = calloc(1, sizeof(*scope));

	if (scope)
		scope->values = calloc(SCOPE_RULE_VALUES, sizeof(*scope->values));
	if (!scope || !scope->values) {
		free(scope);
		return error_no_memory(err);
	}
	if (from) {
		char **values = scope->values;

		*scope = *from;
		scope->values = values;
		scope->value_count = 0;
	}
	for (size_t i = 0; from && i < from->value_count; i++)
		if (add_value(scope, from->values[i], err)) {
			scoping_destroy(scope);
			return -(int)SUTURE_E_NO_MEMORY;
		}
	*made = scope;
	return 0;
}

static bool same(const struct scoping *a, const struct scoping *b)
{
	return a && strcmp(a->key, b->key) == 0 && a->share == b->share && a->fresh == b->fresh &&
	       a->value_count == b->value_count;
}

int scoping_make(const struct scoping *from, const struct scope_wish *wish, struct scoping **made,
		 bool *changed, struct suture_error *err)
{
	struct scoping *scope;
	int rc = scoping_copy(wish->clear ? NULL : from, &scope, err);

	if (rc)
		return rc;
	if (from)
		scope->slot = from->slot;
	if (wish->value)
		rc = add_pair(scope, wish->value, err);
	else if (wish->fresh)
		rc = set_fresh(scope, wish->fresh, err);
	else if (wish->by_share)
		rc = set_share(scope, wish, err);
	if (rc) {
		scoping_destroy(scope);
		return rc;
	}
	*changed = !same(from, scope);
	*made = scope;
	return 0;
}

/* ---- rules ---------------------------------------------------------------------------------- */

uint64_t scoping_key(const struct scoping *scope)
{
	return scope->key[0] ? scope_hash(scope->key) : 0;
}

static int by_hash(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

static void fill_rule(const struct scoping *scope, struct scope_rule *rule, uint64_t *values)
{
	for (size_t i = 0; i < scope->value_count; i++)
		values[i] = scope_hash(scope->values[i]);
	qsort(values, scope->value_count, sizeof(*values), by_hash);
	*rule = (struct scope_rule){
		.key = scoping_key(scope),
		.share = scope->share,
		.new_since = scope->fresh ? scope->new_since : 0,
		.values = values,
		.value_count = scope->value_count,
	};
}

int scoping_prepare(struct scoping *scope, struct scope_rules **rules, struct suture_error *err)
{
	uint64_t *values = calloc(scope->value_count + 1, sizeof(*values));
	struct scope_rule rule;
	int rc;

	if (!values)
		return error_no_memory(err);
	if (scope->fresh && !scope->new_since)
		scope->new_since = scope_next_sequence();
	fill_rule(scope, &rule, values);
	rc = scope_prepare(scope->slot, &rule, rules, err);
	free(values);
	return rc;
}

int scoping_permits(const struct patch_file *file, struct suture_error *err)
{
	const char *what = NULL;

	for (size_t i = 0; i < file->data.count; i++)
		if (patch_data_is_written(&file->data.records[i]))
			what = patch_file_string(file, file->data.records[i].name_ref);
	if (file->migrations.count)
		error_set(err, SUTURE_E_UNSUPPORTED,
			  "%s changes the layout of %s, which all calls share: it can't be scoped",
			  file->name,
			  patch_file_string(file, file->migrations.records[0].type_ref));
	else if (what)
		error_set(err, SUTURE_E_UNSUPPORTED,
			  "%s changes the data of %s, which all calls share: it can't be scoped",
			  file->name, what);
	else
		return 0;
	return error_next(err, "apply it to all calls, or put the change into functions");
}

/* ---- for list and status -------------------------------------------------------------------- */

struct census {
	struct scope_rule rule;
	size_t with; /* known values that get the new code */
	size_t left; /* and that don't */
};

static void count_value(void *arg, uint64_t value, uint64_t first_seen)
{
	struct census *census = arg;

	if (scope_rule_matches(&census->rule, value, first_seen))
		census->with++;
	else
		census->left++;
}

struct json_object *scoping_json(const struct patch *patch)
{
	const struct scoping *scope = scoping_is_in_force(patch) ? patch->scope : NULL;
	struct json_object *json, *values;
	struct census census = {0};
	uint64_t *hashes;

	if (!scope)
		return NULL;
	hashes = calloc(scope->value_count + 1, sizeof(*hashes));
	if (!hashes)
		return NULL;
	fill_rule(scope, &census.rule, hashes);
	scope_values_visit(census.rule.key, count_value, &census);
	free(hashes);
	json = json_object_new_object();
	values = json_object_new_array();
	for (size_t i = 0; i < scope->value_count; i++)
		rpc_json_append(values, rpc_json_string(scope->values[i]));
	json_object_object_add(json, "key", scope->key[0] ? rpc_json_string(scope->key) : NULL);
	rpc_json_add(json, "values", values);
	rpc_json_add(json, "percent", json_object_new_double(scope->share * 100.0 / SCOPE_SHARES));
	rpc_json_add(json, "new", json_object_new_boolean(scope->fresh));
	rpc_json_add(json, "values_new", json_object_new_uint64(census.with));
	rpc_json_add(json, "values_left", json_object_new_uint64(census.left));
	rpc_json_add(json, "old_in_use", json_object_new_boolean(census.left > 0));
	return json;
}

__attribute__((format(printf, 4, 5))) static void append(char *text, size_t size, bool *first,
							 const char *format, ...)
{
	size_t used = strlen(text);
	va_list arguments;

	if (!*first)
		used += (size_t)snprintf(text + used, size - used, ", ");
	*first = false;
	if (used >= size)
		return;
	va_start(arguments, format);
	vsnprintf(text + used, size - used, format, arguments);
	va_end(arguments);
}

void scoping_describe(const struct patch *patch, char *text, size_t size)
{
	const struct scoping *scope = scoping_is_in_force(patch) ? patch->scope : NULL;
	bool first = true;

	snprintf(text, size, scope ? "for " : "for all calls");
	if (!scope)
		return;
	for (size_t i = 0; i < scope->value_count; i++)
		append(text, size, &first, "%s=%s", scope->key, scope->values[i]);
	if (scope->share)
		append(text, size, &first, "%g %% by %s", scope->share * 100.0 / SCOPE_SHARES,
		       scope->key[0] ? scope->key : "outermost scope");
	if (scope->fresh)
		append(text, size, &first, "new %s", scope->key);
	if (first)
		append(text, size, &first, "nobody");
}

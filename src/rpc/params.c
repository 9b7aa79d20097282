/* SPDX-License-Identifier: MIT */
/* Checked parameters; see params.h. */
#include "rpc/params.h"

#include "base/error.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

/* The parameter, or NULL when absent or null. */
static struct json_object *find(struct json_object *params, const char *name)
{
	struct json_object *value = NULL;

	if (params)
		json_object_object_get_ex(params, name, &value);
	return value;
}

int rpc_params_only(struct json_object *params, const char *const *names, struct suture_error *err)
{
	if (!params)
		return 0;
	json_object_object_foreach (params, key, value) {
		size_t i = 0;

		(void)value;
		while (names[i] && strcmp(names[i], key) != 0)
			i++;
		if (!names[i])
			return error_set(err, SUTURE_E_USAGE, "unknown parameter '%.*s'",
					 text_fit(key, 64), key);
	}
	return 0;
}

int rpc_params_string(struct json_object *params, const char *name, size_t max_length,
		      const char **value, struct suture_error *err)
{
	struct json_object *found = find(params, name);
	const char *text;

	if (!found)
		return 0;
	if (!json_object_is_type(found, json_type_string))
		return error_set(err, SUTURE_E_USAGE, "parameter '%s' must be text", name);
	text = json_object_get_string(found);
	if (!text)
		return error_no_memory(err);
	if (strlen(text) != (size_t)json_object_get_string_len(found))
		return error_set(err, SUTURE_E_USAGE, "parameter '%s' has a NUL in it", name);
	if (strlen(text) > max_length)
		return error_set(err, SUTURE_E_USAGE, "parameter '%s' is longer than %zu bytes",
				 name, max_length);
	*value = text;
	return 0;
}

int rpc_params_need_string(struct json_object *params, const char *name, size_t max_length,
			   const char **value, struct suture_error *err)
{
	const char *text = NULL;
	int rc = rpc_params_string(params, name, max_length, &text, err);

	if (rc)
		return rc;
	if (!text || !*text)
		return error_set(err, SUTURE_E_USAGE, "parameter '%s' is missing", name);
	*value = text;
	return 0;
}

int rpc_params_u64(struct json_object *params, const char *name, uint64_t max, uint64_t *value,
		   struct suture_error *err)
{
	struct json_object *found = find(params, name);
	uint64_t number;

	if (!found)
		return 0;
	if (!json_object_is_type(found, json_type_int) || json_object_get_int64(found) < 0)
		return error_set(err, SUTURE_E_USAGE,
				 "parameter '%s' must be a whole number, 0 or more", name);
	number = json_object_get_uint64(found);
	if (number > max)
		return error_set(err, SUTURE_E_USAGE, "parameter '%s' must be at most %llu", name,
				 (unsigned long long)max);
	*value = number;
	return 0;
}

int rpc_params_bool(struct json_object *params, const char *name, bool *value,
		    struct suture_error *err)
{
	struct json_object *found = find(params, name);

	if (!found)
		return 0;
	if (!json_object_is_type(found, json_type_boolean))
		return error_set(err, SUTURE_E_USAGE, "parameter '%s' must be true or false", name);
	*value = json_object_get_boolean(found);
	return 0;
}

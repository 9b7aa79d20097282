/* SPDX-License-Identifier: MIT */
/* Bounded JSON on top of json-c; see json.h. */
#include "rpc/json.h"

#include "base/error.h"
#include "base/forkguard.h"
#include "base/text.h"

#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>

/*
 * What json-c lets pass even when strict: 'single quotes', NaN, Infinity, control characters in
 * strings. And the number of values, by the bytes that begin or separate them, before json-c
 * allocates anything. Finds the strings; everything else is json-c's business.
 */
static int check_shape(const char *text, size_t length, size_t max_values, struct suture_error *err)
{
	static const char plain[] = " \t\r\n{}[],:\"+-.0123456789eEtruefalsn";
	bool in_string = false;
	size_t count = 1;

	for (size_t i = 0; i < length; i++) {
		if ((in_string && (unsigned char)text[i] < 0x20) ||
		    (!in_string && !memchr(plain, text[i], sizeof(plain) - 1)))
			return error_set(err, SUTURE_E_PROTOCOL, "not JSON: byte %#x at offset %zu",
					 (unsigned char)text[i], i);
		if (text[i] == '"')
			in_string = !in_string;
		else if (in_string && text[i] == '\\')
			i++;
		else if (!in_string && strchr(",[{", text[i]) && ++count > max_values)
			return error_set(err, SUTURE_E_PROTOCOL, "JSON with more than %zu values",
					 max_values);
	}
	return 0;
}

/*
 * json-c reads numbers in a locale that it makes of its thread's by duplocale(). That counts the
 * names of the program's locale before it takes their lock: a setlocale() in between, as most
 * programs begin with, has it write past what it allocated. The "C" locale, which nobody can
 * change, is handed on as it is: no copy, no lock.
 */
static struct json_object *parse_some(struct json_tokener *tokener, const char *text, size_t length)
{
	locale_t before = uselocale(newlocale(LC_ALL_MASK, "C", (locale_t)0));
	struct json_object *parsed = json_tokener_parse_ex(tokener, text, (int)length);

	uselocale(before);
	return parsed;
}

int rpc_json_parse(const char *text, size_t length, int max_depth, size_t max_values,
		   struct json_object **value, struct suture_error *err)
{
	struct json_tokener *tokener;
	struct json_object *parsed;
	enum json_tokener_error problem;
	size_t used;
	int rc;

	if (length > INT_MAX)
		return error_set(err, SUTURE_E_PROTOCOL, "JSON text of %zu bytes", length);
	rc = check_shape(text, length, max_values, err);
	if (rc)
		return rc;
	tokener = json_tokener_new_ex(max_depth);
	if (!tokener)
		return error_no_memory(err);
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	parsed = parse_some(tokener, text, length);
	problem = json_tokener_get_error(tokener);
	if (problem == json_tokener_continue) {
		/* A number ends only where something follows it; a NUL ends the text. */
		parsed = parse_some(tokener, "", 1);
		problem = json_tokener_get_error(tokener);
		used = length;
	} else {
		used = json_tokener_get_parse_end(tokener);
	}
	json_tokener_free(tokener);
	while (problem == json_tokener_success && used < length &&
	       (text[used] == ' ' || text[used] == '\t'))
		used++;
	if (problem == json_tokener_success && used != length)
		problem = json_tokener_error_parse_unexpected;
	if (problem != json_tokener_success) {
		json_object_put(parsed);
		return error_set(err, SUTURE_E_PROTOCOL, "not JSON: %s",
				 json_tokener_error_desc(problem));
	}
	*value = parsed;
	return 0;
}

const char *rpc_json_line(struct json_object *value)
{
	return json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN |
							     JSON_C_TO_STRING_NOSLASHESCAPE);
}

static void utc(time_t at, char *text, size_t size)
{
	struct tm parts;

	fork_guard_enter(); /* libc looks for a time zone, even for this */
	gmtime_r(&at, &parts);
	strftime(text, size, "%Y-%m-%dT%H:%M:%S", &parts);
	fork_guard_leave();
}

struct json_object *rpc_json_time(time_t at)
{
	char whole[32], text[40];

	utc(at, whole, sizeof(whole));
	snprintf(text, sizeof(text), "%sZ", whole);
	return json_object_new_string(text);
}

struct json_object *rpc_json_moment(const struct timespec *at)
{
	char whole[32], text[40];

	utc(at->tv_sec, whole, sizeof(whole));
	snprintf(text, sizeof(text), "%s.%03uZ", whole, (unsigned)(at->tv_nsec / 1000000) % 1000);
	return json_object_new_string(text);
}

struct json_object *rpc_json_string(const char *text)
{
	struct json_object *value;
	char *copy = strdup(text);

	if (!copy)
		return NULL;
	for (char *at = copy; *at;) {
		size_t length = text_char(at);

		if (length == 0) {
			*at = '?';
			length = 1;
		}
		at += length;
	}
	value = json_object_new_string(copy);
	free(copy);
	return value;
}

bool rpc_json_add(struct json_object *object, const char *key, struct json_object *value)
{
	if (object && value && json_object_object_add(object, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

bool rpc_json_append(struct json_object *array, struct json_object *value)
{
	if (array && value && json_object_array_add(array, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static struct json_object *member(struct json_object *object, const char *key, enum json_type type)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, key, &value) || !json_object_is_type(value, type))
		return NULL;
	return value;
}

const char *rpc_json_get_string(struct json_object *object, const char *key, const char *fallback)
{
	struct json_object *value = member(object, key, json_type_string);

	return value ? json_object_get_string(value) : fallback;
}

int64_t rpc_json_get_int(struct json_object *object, const char *key, int64_t fallback)
{
	struct json_object *value = member(object, key, json_type_int);

	return value ? json_object_get_int64(value) : fallback;
}

bool rpc_json_get_bool(struct json_object *object, const char *key, bool fallback)
{
	struct json_object *value = member(object, key, json_type_boolean);

	return value ? json_object_get_boolean(value) : fallback;
}

struct json_object *rpc_json_get_array(struct json_object *object, const char *key)
{
	return member(object, key, json_type_array);
}

struct json_object *rpc_json_get_object(struct json_object *object, const char *key)
{
	return member(object, key, json_type_object);
}

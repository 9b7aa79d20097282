/* SPDX-License-Identifier: MIT */
/*
 * JSON text to and from json-c, with bounds. Objects are json-c's, reference counted and not for
 * use by two threads at once; json_object_put() frees. The functions that build accept NULL where
 * json-c does, so that building code may check once at the end.
 */
#ifndef RPC_JSON_H
#define RPC_JSON_H

#include <json-c/json.h>
#include <suture/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * Parses exactly one JSON text: strict, valid UTF-8, at most max_depth deep and about max_values
 * values (counted before anything is allocated). Fails with PROTOCOL or NO_MEMORY.
 */
int rpc_json_parse(const char *text, size_t length, int max_depth, size_t max_values,
		   struct json_object **value, struct suture_error *err);

/* One line without newline; NULL without memory. Borrowed from value. */
const char *rpc_json_line(struct json_object *value);

/* A string value. Bytes that are no UTF-8 become '?', so that what we send is always JSON. */
struct json_object *rpc_json_string(const char *text);

/* Wall time in UTC as ISO 8601, in seconds or in milliseconds: "2026-01-02T03:04:05Z", "…05.678Z".
 */
struct json_object *rpc_json_time(time_t at);
struct json_object *rpc_json_moment(const struct timespec *at);

/* Adds a member and takes over value, also when it fails; then, or if value is NULL, false. */
bool rpc_json_add(struct json_object *object, const char *key, struct json_object *value);
bool rpc_json_append(struct json_object *array, struct json_object *value);

/* Readers that never fail: the member if it has that type, else the fallback. */
const char *rpc_json_get_string(struct json_object *object, const char *key, const char *fallback);
int64_t rpc_json_get_int(struct json_object *object, const char *key, int64_t fallback);
bool rpc_json_get_bool(struct json_object *object, const char *key, bool fallback);
struct json_object *rpc_json_get_array(struct json_object *object, const char *key);
struct json_object *rpc_json_get_object(struct json_object *object, const char *key);

#endif

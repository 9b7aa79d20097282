/* SPDX-License-Identifier: MIT */
/*
 * Parameters of a request, checked. params may be NULL (none given) and comes from a client.
 * An absent or null parameter leaves *value as it was: set the default first. A parameter of the
 * wrong type or out of range fails with USAGE and names it.
 */
#ifndef RPC_PARAMS_H
#define RPC_PARAMS_H

#include "rpc/json.h"

/*
 * Refuses parameters that are not in names (NULL-terminated). An agent must not silently do
 * without what a newer client asks for.
 */
int rpc_params_only(struct json_object *params, const char *const *names, struct suture_error *err);

/* Borrowed from params; no NUL inside, at most max_length bytes. */
int rpc_params_string(struct json_object *params, const char *name, size_t max_length,
		      const char **value, struct suture_error *err);
/* The same, and must be there and not empty. */
int rpc_params_need_string(struct json_object *params, const char *name, size_t max_length,
			   const char **value, struct suture_error *err);
int rpc_params_u64(struct json_object *params, const char *name, uint64_t max, uint64_t *value,
		   struct suture_error *err);
int rpc_params_bool(struct json_object *params, const char *name, bool *value,
		    struct suture_error *err);

#endif

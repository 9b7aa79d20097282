/* SPDX-License-Identifier: MIT */
/* The signature beside a patch file, for `suture info`. */
#ifndef CLI_SEAL_H
#define CLI_SEAL_H

#include "trust/minisign.h"

#include <json-c/json.h>

struct seal {
	bool there;   /* PATCH.so.minisig exists */
	bool checked; /* with a key, and it is right */
	struct minisign_signature signature;
};

/*
 * Reads PATH.minisig. With a key file the signature must be there and right: SIGNATURE otherwise.
 * Without one nothing is claimed but what the signature says of itself.
 */
int seal_read(const char *path, const char *key_file, const void *data, size_t size,
	      struct seal *seal, struct suture_error *err);

/* {"key_id","comment","prehashed","verified"}; NULL where there is none. */
struct json_object *seal_json(const struct seal *seal);
void seal_text(const struct seal *seal, char *text, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/* Signatures of patch files; see seal.h. */
#include "cli/seal.h"

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cli/patchfile.h"

#include <stdio.h>
#include <string.h>

static int check(const char *path, const char *key_file, const void *data, size_t size,
		 struct seal *seal, struct suture_error *err)
{
	cleanup_memory uint8_t *text = NULL;
	struct minisign_key key;
	size_t length;
	int rc = file_read(key_file, MINISIGN_TEXT_LIMIT, &text, &length, err);

	if (!rc)
		rc = minisign_key_parse((const char *)text, length, key_file, &key, err);
	if (!rc && !seal->there)
		rc = error_set(err, SUTURE_E_SIGNATURE, "%s is not signed: no %s.minisig", path,
			       path);
	if (!rc)
		rc = minisign_verify(&key, &seal->signature, data, size, path, err);
	seal->checked = rc == 0;
	return rc;
}

int seal_read(const char *path, const char *key_file, const void *data, size_t size,
	      struct seal *seal, struct suture_error *err)
{
	cleanup_memory char *text = NULL;
	char label[300];
	size_t length;
	int rc = patchfile_signature(path, &text, &length, err);

	*seal = (struct seal){.there = rc == 0 && text};
	snprintf(label, sizeof(label), "%.*s.minisig", text_fit(path, 280), path);
	if (!rc && text)
		rc = minisign_signature_parse(text, length, label, &seal->signature, err);
	return rc || !key_file ? rc : check(path, key_file, data, size, seal, err);
}

struct json_object *seal_json(const struct seal *seal)
{
	struct json_object *answer;
	char id[MINISIGN_ID_TEXT];

	if (!seal->there)
		return NULL;
	answer = json_object_new_object();
	minisign_id_text(seal->signature.id, id);
	rpc_json_add(answer, "key_id", json_object_new_string(id));
	rpc_json_add(answer, "comment", rpc_json_string(seal->signature.comment));
	rpc_json_add(answer, "prehashed", json_object_new_boolean(seal->signature.prehashed));
	rpc_json_add(answer, "verified", json_object_new_boolean(seal->checked));
	return answer;
}

void seal_text(const struct seal *seal, char *text, size_t size)
{
	char id[MINISIGN_ID_TEXT];

	if (!seal->there) {
		snprintf(text, size, "none");
		return;
	}
	minisign_id_text(seal->signature.id, id);
	snprintf(text, size, "%s key %s (%s)", seal->checked ? "right, by" : "not checked, says",
		 id, seal->signature.comment);
}

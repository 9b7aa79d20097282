/* SPDX-License-Identifier: MIT */
/* Which patch files are loaded; see admit.h. */
#include "agent/admit.h"

#include "base/error.h"
#include "base/file.h"
#include "patch/store.h"
#include "trust/minisign.h"

#include <string.h>

/* Set once, before there are threads of ours. */
static struct {
	bool required;
	bool readable;
	struct minisign_key key;
	char id[MINISIGN_ID_TEXT];
	struct suture_error err; /* why it is not readable */
} policy;

void admit_require(const char *key_file)
{
	cleanup_memory uint8_t *text = NULL;
	size_t size = 0;
	int rc;

	memset(&policy, 0, sizeof(policy));
	store_use_memory(key_file != NULL);
	if (!key_file)
		return;
	policy.required = true;
	rc = file_read(key_file, MINISIGN_TEXT_LIMIT, &text, &size, &policy.err);
	if (!rc)
		rc = minisign_key_parse((const char *)text, size, key_file, &policy.key,
					&policy.err);
	policy.readable = rc == 0;
	if (policy.readable)
		minisign_id_text(policy.key.id, policy.id);
}

const char *admit_key_id(void)
{
	return policy.required ? policy.id : NULL;
}

static int check_signature(const uint8_t *data, size_t size, const char *text, const char *label,
			   struct suture_error *err)
{
	struct minisign_signature signature;
	int rc;

	if (!policy.readable) {
		error_set(err, SUTURE_E_SIGNATURE,
			  "no patch gets in: the key of SUTURE_REQUIRE_SIGNATURE can't be read: "
			  "%.300s",
			  policy.err.message);
		return error_next(err, "start the server with the right key file");
	}
	if (!text || !*text) {
		error_set(err, SUTURE_E_SIGNATURE, "%s is not signed; this process wants key %s",
			  label, policy.id);
		return error_next(err, "put the signature beside it: PATCH.so.minisig, by "
				       "suture build --sign or minisign -S");
	}
	rc = minisign_signature_parse(text, strlen(text), label, &signature, err);
	return rc ? rc : minisign_verify(&policy.key, &signature, data, size, label, err);
}

int admit_patch(int fd, const char *signature, const char *label, struct patch_file *file,
		struct suture_error *err)
{
	uint8_t *data = NULL;
	size_t size;
	int rc = file_read_fd(fd, PATCH_FILE_LIMIT, label, &data, &size, err);

	if (rc)
		return rc;
	/* Before anything of it is looked at. */
	if (policy.required)
		rc = check_signature(data, size, signature, label, err);
	if (rc) {
		free(data);
		return rc;
	}
	return patch_file_parse(data, size, label, file, err); /* takes data over */
}

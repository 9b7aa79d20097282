/* SPDX-License-Identifier: MIT */
/*
 * A patch that another one is built on: what its file says of how it was made, and what it brought.
 * Damaged files are refused; whether it is what it says is for stack.h to prove.
 */
#ifndef BUILDER_ONPATCH_H
#define BUILDER_ONPATCH_H

#include "builder/core.h"
#include "builder/strings.h"

#include "base/hash.h"
#include "patch/format.h"

struct onpatch {
	const char *path; /* borrowed */
	uint8_t *bytes;	  /* owned: the whole file; the texts below lie in it */
	size_t size;
	uint8_t hash[HASH_SIZE];
	const char *name;
	const char *description; /* or NULL */
	const char *diff_name;
	const char *diff; /* text */
	uint8_t build_id[FORMAT_BUILD_ID_SIZE];
	size_t build_id_size;
	struct core_data_decision *decisions; /* owned; their texts lie in `texts` */
	size_t decision_count;
	struct strings texts;
	struct strings accepted; /* --accept-layout */
	const struct format_depend *depends;
	size_t depend_count;
	struct core_provide *provides; /* owned */
	size_t provide_count;
};

int onpatch_read(const char *path, struct onpatch *patch, struct suture_error *err);
void onpatch_fini(struct onpatch *patch);

#endif

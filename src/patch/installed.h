/* SPDX-License-Identifier: MIT */
/*
 * Patches that are kept for every start of a build:
 *
 *   $SUTURE_DIR/installed/BUILD_ID/ORDER-NAME.so     (/var/lib/suture without SUTURE_DIR)
 *
 * BUILD_ID is that of the first module of the patch, in hexadecimal; ORDER is a number that only
 * grows, so that what was installed first is applied first. `suture install` writes here, agents
 * read. Nothing is read from a folder or file that another user could have written
 * (base/trusted.h).
 */
#ifndef PATCH_INSTALLED_H
#define PATCH_INSTALLED_H

#include "patch/file.h"

#include <suture/error.h>

#include <stddef.h>

enum {
	INSTALLED_ID_TEXT = 2 * FORMAT_BUILD_ID_SIZE + 1,
	INSTALLED_FILE_NAME = PATCH_NAME_LIMIT + 24,
};

struct installed_patch {
	unsigned order;
	char build_id[INSTALLED_ID_TEXT];
	char name[PATCH_NAME_LIMIT + 1];
};

struct installed_list {
	struct installed_patch *items; /* owned, by rising order */
	size_t count;
};

/* $SUTURE_DIR, unless the process is privileged, or the default. */
const char *installed_dir(void);

/* The folder of all builds. IO with errno ENOENT where there is none; PERMISSION. */
int installed_root(int *fd, struct suture_error *err);

/* Adds what is kept for a build-id, or for all with NULL. An absent folder has nothing in it. */
int installed_read(int root, const char *build_id, struct installed_list *list,
		   struct suture_error *err);
void installed_fini(struct installed_list *list);

/* The caller closes *fd. */
int installed_open(int root, const struct installed_patch *patch, int *fd,
		   struct suture_error *err);

/* The signature that was installed with it; IO with errno ENOENT where there is none. */
int installed_open_signature(int root, const struct installed_patch *patch, int *fd,
			     struct suture_error *err);

void installed_file_name(const struct installed_patch *patch, char name[INSTALLED_FILE_NAME]);
void installed_id_text(const uint8_t *build_id, size_t size, char text[INSTALLED_ID_TEXT]);

#endif

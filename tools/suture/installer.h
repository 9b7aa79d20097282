/* SPDX-License-Identifier: MIT */
/*
 * Changing what is installed (patch/installed.h): one at a time, by a lock; files
 * come by rename(), so that a start sees all of a patch or nothing.
 */
#ifndef CLI_INSTALLER_H
#define CLI_INSTALLER_H

#include "patch/installed.h"

#include "base/hash.h"

#include <stdbool.h>

/* One that is kept, as far as its file can be read. */
struct installer_entry {
	struct installed_patch patch;
	uint8_t hash[HASH_SIZE];
	unsigned crashes; /* patch/trial.h */
	bool damaged;	  /* not readable as a patch, or not to be trusted */
};

enum installer_use { INSTALLER_LOOK, INSTALLER_REMOVE, INSTALLER_ADD };

struct installer {
	int root;			 /* -1: there is no such folder */
	int held;			 /* the lock, or -1 */
	struct installer_entry *entries; /* owned, by rising order */
	size_t count;
};

/* To add, the folders are made; else an absent one is an empty one. */
int installer_open(struct installer *installer, enum installer_use use, struct suture_error *err);
void installer_close(struct installer *installer);

struct installer_result {
	struct installed_patch patch;
	bool changed;
	char path[4096];
};

/*
 * NAME_TAKEN where another patch of that name and build is there, unless replace; DEPENDENCY where
 * one that it is built on is not. One that was set aside is given another chance.
 */
int installer_add(struct installer *installer, const struct patch_file *file, const char *signature,
		  bool replace, struct installer_result *result, struct suture_error *err);

/* DEPENDENCY while another one is built on it. */
int installer_remove(struct installer *installer, const struct installer_entry *entry,
		     struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Is this process what the patch was made for? Modules by build-id, functions and data by the hash
 * of the bytes in memory, seen through our own jumps. Plan phase; changes nothing.
 */
#ifndef AGENT_VERIFY_H
#define AGENT_VERIFY_H

#include "agent/agent.h"

/*
 * modules[i] gets the loaded module for file->modules.records[i], or NULL where no build of that
 * shared object is loaded: then *missing is the name of the first such, else NULL. BUILD_ID where
 * another build is, with both ids.
 */
int verify_modules(const struct patch_file *file, const struct image *image,
		   const struct image_module **modules, const char **missing,
		   struct suture_error *err);

/*
 * Reads the function's original bytes into *code (the caller's, size bytes) and compares their
 * hash: FUNCTION_CHANGED says where they differ, and whether it looks like a debugger's breakpoint.
 */
int verify_function(const struct agent *agent, const struct patch_file *file,
		    const struct format_function *function, const struct image_module *module,
		    uint8_t **code, struct suture_error *err);

/*
 * The same for data at address that is about to be changed: *bytes is what is there now. A constant
 * must be as it was: below, if another patch has changed it that goes, else as it is now.
 */
int verify_data(const struct agent *agent, const struct patch_file *file,
		const struct format_data *data, uintptr_t address,
		const struct image_module *module, const uint8_t *below, uint8_t **bytes,
		struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Where the data of a module is in this process. Mostly in the module itself; an exported variable
 * of a library that the main program uses by name is in the main program, by a copy relocation, and
 * what lies in the library is dead. Plan phase.
 */
#ifndef PATCH_PLACE_H
#define PATCH_PLACE_H

#include "image/image.h"
#include "patch/file.h"

/*
 * One address per file->data record, 0 for those that are not written to. modules[i] is the loaded
 * module for file->modules.records[i]. UNSUPPORTED where the name means another module's variable
 * here. The caller frees *places.
 */
int place_data(const struct patch_file *file, const struct image *image,
	       const struct image_module *const *modules, uintptr_t **places,
	       struct suture_error *err);

#endif

/* SPDX-License-Identifier: MIT */
/* Where data is; see place.h. Plan phase. */
#include "patch/place.h"

#include "arch/arch.h"
#include "base/error.h"
#include "image/dynamic.h"

#include <stdlib.h>

/* The main program's copy of it, or 0. */
static uintptr_t find_copy(const struct image *image, const char *name)
{
	const struct image_module *program = image_executable(image);
	const ElfW(Rela) * reloc;
	struct dynamic dynamic;
	int form;

	if (dynamic_open(program, &dynamic, NULL) < 0)
		return 0;
	reloc = dynamic_find_reloc(&dynamic, name, NULL, &form);
	return reloc && form == ARCH_RELOC_COPY ? program->bias + reloc->r_offset : 0;
}

/* What the library itself is bound to, or 0: it does not use the name. */
static uintptr_t find_bound(const struct dynamic *library, const char *name)
{
	int form;
	const ElfW(Rela) *reloc = dynamic_find_reloc(library, name, NULL, &form);

	if (!reloc || (form != ARCH_RELOC_ABSOLUTE && form != ARCH_RELOC_SLOT_DATA))
		return 0;
	return *(const uintptr_t *)(library->module->bias + reloc->r_offset);
}

static int place_of(const struct image *image, const struct image_module *module, uint64_t target,
		    uintptr_t *place, struct suture_error *err)
{
	uintptr_t own = module->bias + target, copy, bound;
	struct dynamic library;
	const char *name;

	*place = own;
	if (module->executable || dynamic_open(module, &library, NULL) < 0)
		return 0;
	name = dynamic_name_of(&library, target);
	if (!name)
		return 0;
	copy = find_copy(image, name);
	bound = find_bound(&library, name);
	if (!bound)
		bound = copy && !library.symbolic ? copy : own;
	*place = bound;
	if (bound == copy || (bound == own && !copy))
		return 0;
	error_set(err, SUTURE_E_UNSUPPORTED, "%s of %s is %s in this process", name,
		  image_module_name(module), copy ? "twice" : "another module's variable");
	return error_next(err, "leave it out of the patch, and set it from code");
}

int place_data(const struct patch_file *file, const struct image *image,
	       const struct image_module *const *modules, uintptr_t **places,
	       struct suture_error *err)
{
	uintptr_t *result = calloc(file->data.count + 1, sizeof(*result));
	int rc = result ? 0 : error_no_memory(err);

	for (size_t i = 0; !rc && i < file->data.count; i++) {
		const struct format_data *data = &file->data.records[i];

		if (patch_data_is_written(data))
			rc = place_of(image,
				      modules[data->module_ref / sizeof(struct format_module)],
				      data->target, &result[i], err);
	}
	if (rc)
		free(result);
	else
		*places = result;
	return rc;
}

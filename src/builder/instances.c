/* SPDX-License-Identifier: MIT */
/* By the names of their static variables; see instances.h. */
#include "instances.h"

#include "base/file.h"
#include "classnumber.h"

#include <elf.h>
#include <string.h>

/* Of the Itanium C++ ABI, in every C++ runtime. */
extern char *__cxa_demangle(const char *mangled, char *buffer, size_t *size, int *status);

/* A static variable of a template for a local class: what stands behind I, P, R or K is an
 * argument. */
static bool is_of_instance(const struct object_symbol *symbol)
{
	static const char *const signs[] = {"IZ", "PZ", "RZ", "KZ"};

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (symbol->type == STT_OBJECT && strncmp(symbol->name, "_Z", 2) == 0 &&
		    strstr(symbol->name + 2, signs[i]) && !classnumber_is_in_lambda(symbol->name))
			return true;
	return false;
}

/* How many of them are called so, but for numbers. */
static size_t count_instances(const struct object *object, const char *readable)
{
	size_t count = 0;

	for (size_t i = 1; i < object->symbol_count; i++) {
		const struct object_symbol *symbol = &object->symbols[i];
		cleanup_memory char *other =
			is_of_instance(symbol) ? __cxa_demangle(symbol->name, NULL, NULL, NULL)
					       : NULL;

		count += other && strcmp(other, readable) == 0;
	}
	return count;
}

void instances_check(const struct object *before, const struct object *after, const char *source,
		     struct refusals *refusals)
{
	for (size_t i = 1; i < before->symbol_count; i++) {
		const struct object_symbol *symbol = &before->symbols[i];
		cleanup_memory char *readable =
			is_of_instance(symbol) ? __cxa_demangle(symbol->name, NULL, NULL, NULL)
					       : NULL;
		size_t there = readable ? count_instances(after, readable) : 0;

		if (there < 2 || there == count_instances(before, readable))
			continue;
		refusals_add(
			refusals, SUTURE_E_UNSUPPORTED, source, 0,
			"give a new class a name of its own",
			"local classes of one name in %s are renumbered, and %s is of one of them",
			source, readable);
		return;
	}
}

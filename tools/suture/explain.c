/* SPDX-License-Identifier: MIT */
/* See explain.h. */
#include "cli/explain.h"

#include "base/error.h"
#include "cli/suggest.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { OPTIONS_MAX = 64 };

/* All options of argp and its children. */
static size_t collect(const struct argp *argp, const struct argp_option **list, size_t count)
{
	for (const struct argp_option *option = argp->options;
	     option && (option->name || option->key) && count < OPTIONS_MAX; option++)
		list[count++] = option;
	for (const struct argp_child *child = argp->children; child && child->argp; child++)
		count = collect(child->argp, list, count);
	return count;
}

static bool explain_long(const char *argument, const struct argp_option **list, size_t count,
			 struct suture_error *err)
{
	const char *names[OPTIONS_MAX + 1], *nearest;
	size_t length = strcspn(argument, "="), matches = 0, used = 0;
	const struct argp_option *found = NULL;
	char name[48];

	snprintf(name, sizeof(name), "%.*s", length < 47 ? (int)length : 47, argument);
	for (size_t i = 0; i < count; i++) {
		if (!list[i]->name)
			continue;
		names[used++] = list[i]->name;
		if (strncmp(list[i]->name, name, strlen(name)) == 0) {
			matches++;
			found = list[i];
		}
	}
	names[used] = NULL;
	if (matches > 1) {
		error_set(err, SUTURE_E_USAGE, "option '--%s' could be several", name);
	} else if (found && found->arg && !argument[length]) {
		error_set(err, SUTURE_E_USAGE, "option '--%s' needs a value", found->name);
	} else if (found && !found->arg && argument[length]) {
		error_set(err, SUTURE_E_USAGE, "option '--%s' takes no value", found->name);
	} else if (!found) {
		error_set(err, SUTURE_E_USAGE, "unknown option '--%s'", name);
		nearest = suggest_nearest(name, names);
		if (nearest)
			error_next(err, "did you mean '--%s'?", nearest);
	} else {
		return false;
	}
	return true;
}

static bool explain_short(const char *letters, const struct argp_option **list, size_t count,
			  struct suture_error *err)
{
	for (; *letters; letters++) {
		const struct argp_option *found = NULL;

		for (size_t i = 0; i < count; i++)
			if (list[i]->key == *letters)
				found = list[i];
		if (!found) {
			error_set(err, SUTURE_E_USAGE, "unknown option '-%c'",
				  *letters > ' ' && *letters < 0x7f ? *letters : '?');
			return true;
		}
		if (found->arg && !letters[1]) {
			error_set(err, SUTURE_E_USAGE, "option '-%c' needs a value", *letters);
			return true;
		}
		if (found->arg)
			return false;
	}
	return false;
}

void explain_arguments(const struct argp *argp, int argc, char **argv, int at,
		       struct suture_error *err)
{
	const struct argp_option *list[OPTIONS_MAX];
	size_t count = collect(argp, list, 0);

	/* argp stands behind the argument, or still on it when it is a cluster of letters. */
	for (int i = at - 1; i <= at; i++) {
		const char *argument = i > 0 && i < argc ? argv[i] : "";

		if (argument[0] != '-' || !argument[1])
			continue;
		if (argument[1] == '-' ? explain_long(argument + 2, list, count, err)
				       : explain_short(argument + 1, list, count, err))
			return;
	}
	error_set(err, SUTURE_E_USAGE, "the options make no sense");
}

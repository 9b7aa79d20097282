/* SPDX-License-Identifier: MIT */
/* Putting a compile command together for a purpose, in the overlay or where production runs it. */
#include "builder/command.h"
#include "builder/path.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>

/* Options that name a file or folder which the view may show differently. */
static const char *const path_options[] = {"-I",       "-isystem", "-iquote",  "-idirafter",
					   "-include", "-imacros", "-iprefix", NULL};

/* Absolute paths into the view get its top in front; relative ones follow the working folder. */
static char *map_path(const struct overlay *overlay, const char *path)
{
	cleanup_memory char *plain = NULL;

	if (path[0] != '/')
		return strdup(path);
	plain = path_absolute("/", path);
	if (!plain)
		return NULL;
	return overlay_covers(overlay, plain) ? overlay_path(overlay, path) : strdup(path);
}

/* The option that arg starts with, e.g. "-I" for "-I/usr/include"; the longest one wins. */
static const char *path_option(const char *arg)
{
	const char *best = NULL;

	for (size_t i = 0; path_options[i]; i++)
		if (strncmp(arg, path_options[i], strlen(path_options[i])) == 0 &&
		    (!best || strlen(path_options[i]) > strlen(best)))
			best = path_options[i];
	return best;
}

static const char *prefix_map_option(const char *arg)
{
	static const char *const options[] = {
		"-ffile-prefix-map=", "-fdebug-prefix-map=", "-fmacro-prefix-map="};

	for (size_t i = 0; i < 3; i++)
		if (strncmp(arg, options[i], strlen(options[i])) == 0)
			return options[i];
	return NULL;
}

/*
 * The view's top vanishes from what the compiler writes down. Where production maps prefixes
 * itself, its maps follow with the top in front: of several that fit, the last one counts.
 */
static void add_prefix_maps(const struct command *command, const struct overlay *overlay,
			    struct strings *argv)
{
	strings_add_format(argv, "-ffile-prefix-map=%s/=/", overlay->top);
	for (size_t i = 1; i < command->argv.count; i++) {
		const char *arg = command->argv.items[i];
		const char *option = prefix_map_option(arg);

		if (option && arg[strlen(option)] == '/')
			strings_add_format(argv, "%s%s%s", option, overlay->top,
					   arg + strlen(option));
	}
}

static void add_options(const struct command *command, const struct overlay *overlay,
			struct strings *argv)
{
	for (size_t i = 0; i < command->argv.count; i++) {
		const char *arg = command->argv.items[i];
		const char *option = i && overlay ? path_option(arg) : NULL;
		cleanup_memory char *mapped = NULL;

		if (!option) {
			strings_add(argv, arg);
			continue;
		}
		if (!arg[strlen(option)] && i + 1 < command->argv.count) {
			strings_add(argv, arg);
			strings_take(argv, map_path(overlay, command->argv.items[++i]));
			continue;
		}
		mapped = map_path(overlay, arg + strlen(option));
		strings_add_format(argv, "%s%s", option, mapped ? mapped : "");
		argv->failed |= !mapped;
	}
}

static bool is_clang(const struct command *command)
{
	return strstr(path_base(command->argv.items[0]), "clang") != NULL;
}

static bool is_cplusplus(const struct command *command)
{
	static const char *const extensions[] = {".cc", ".cpp", ".cxx", ".c++",
						 ".C",	".cp",	".CPP"};
	const char *dot = strrchr(path_base(command->source), '.');

	if (strstr(path_base(command->argv.items[0]), "++"))
		return true;
	for (size_t i = 0; dot && i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (strcmp(dot, extensions[i]) == 0)
			return true;
	return false;
}

int command_make(const struct command *command, enum command_purpose purpose,
		 const struct overlay *overlay, const char *output, struct strings *argv,
		 char **directory, struct suture_error *err)
{
	char *where = overlay ? map_path(overlay, command->directory) : strdup(command->directory);

	add_options(command, overlay, argv);
	/* A header found by a shorter name would be the original, not the view's. */
	if (purpose != COMMAND_VERIFY && !is_clang(command))
		strings_add(argv, "-fno-canonical-system-headers");
	if (overlay)
		add_prefix_maps(command, overlay, argv);
	if (purpose != COMMAND_DEPEND)
		strings_add(argv, "-fdiagnostics-color=never");
	if (purpose == COMMAND_COMPARE) {
		strings_add(argv, "-ffunction-sections");
		strings_add(argv, "-fdata-sections");
		if (!command->has_debug)
			strings_add(argv, "-g");
		if (command->splits_debug)
			strings_add(argv, "-gno-split-dwarf");
		/* Classes are described in every unit, not only in the one with their vtable. */
		if (is_clang(command))
			strings_add(argv, "-fstandalone-debug");
		else if (is_cplusplus(command))
			strings_add(argv, "-femit-class-debug-always");
	}
	if (purpose == COMMAND_PREPROCESS) {
		strings_add(argv, "-E");
		strings_add(argv, "-w");
	} else if (purpose == COMMAND_DEPEND) {
		strings_add(argv, "-M");
		strings_add(argv, "-w");
	} else {
		strings_add(argv, "-Wno-error");
		strings_add(argv, "-c");
	}
	/* What it reads tells whether anything was found past the view, or is newer than the
	 * object. */
	if (overlay || purpose == COMMAND_COMPARE) {
		strings_add(argv, "-MD");
		strings_add(argv, "-MF");
		strings_add_format(argv, "%s.d", output);
	}
	strings_add(argv, "-o");
	strings_add(argv, output);
	strings_take(argv, overlay ? map_path(overlay, command->source) : strdup(command->source));
	if (!where || !strings_ok(argv)) {
		free(where);
		return error_no_memory(err);
	}
	*directory = where;
	return 0;
}

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

/* `OPTION VALUE` at this place, or as clang's driver passes it on. Returns how many words. */
static size_t find_pair(const struct strings *argv, size_t at, const char *option,
			const char **value)
{
	size_t left = argv->count - at;
	char **words = argv->items + at;

	if (left >= 2 && strcmp(words[0], option) == 0) {
		*value = words[1];
		return 2;
	}
	if (left >= 4 && strcmp(words[0], "-Xclang") == 0 && strcmp(words[1], option) == 0 &&
	    strcmp(words[2], "-Xclang") == 0) {
		*value = words[3];
		return 4;
	}
	return 0;
}

/* The header that clang made a precompiled one from: F for F.pch, where it is still there. */
static char *header_of(const struct command *command, const char *precompiled)
{
	const char *dot = strrchr(path_base(precompiled), '.');
	cleanup_memory char *header =
		dot ? strndup(precompiled, (size_t)(dot - precompiled)) : NULL;
	cleanup_memory char *path = header ? path_join(command->directory, header) : NULL;
	char *found = NULL;

	if (path && path_exists(path)) {
		found = header;
		header = NULL;
	}
	return found;
}

static void add_header(const struct overlay *overlay, const char *header, struct strings *argv)
{
	/* Past the driver, which would look for a precompiled one again. */
	strings_add(argv, "-Xclang");
	strings_add(argv, "-include");
	strings_add(argv, "-Xclang");
	if (overlay)
		strings_take(argv, map_path(overlay, header));
	else
		strings_add(argv, header);
}

/*
 * A precompiled header holds the text of headers as they were: what is compared is made from the
 * headers themselves. Returns how many words of the command it took.
 */
static size_t add_precompiled(const struct command *command, size_t at,
			      const struct overlay *overlay, struct strings *argv)
{
	const char *value, *header;
	size_t taken = find_pair(&command->argv, at, "-include-pch", &value);

	if (taken && !find_pair(&command->argv, at + taken, "-include", &header)) {
		cleanup_memory char *found = header_of(command, value);

		if (found) {
			add_header(overlay, found, argv);
		} else {
			strings_add(argv, "-include-pch");
			strings_take(argv, path_absolute(command->directory, value));
		}
	} else if (!taken) {
		taken = find_pair(&command->argv, at, "-include", &value);
		if (taken < 4)
			return 0;
		add_header(overlay, value, argv);
	}
	return taken;
}

static bool is_compared(enum command_purpose purpose)
{
	return purpose == COMMAND_COMPARE || purpose == COMMAND_ORIGINAL || purpose == COMMAND_CODE;
}

/* "-Wall", "-Wno-…", and not "-Wa,…", which hands something on. */
static bool is_warning(const char *arg)
{
	return strncmp(arg, "-W", 2) == 0 && !(arg[2] && arg[3] == ',');
}

static void add_options(const struct command *command, enum command_purpose purpose,
			const struct overlay *overlay, struct strings *argv)
{
	for (size_t i = 0; i < command->argv.count; i++) {
		const char *arg = command->argv.items[i];
		const char *option = i && overlay ? path_option(arg) : NULL;
		size_t precompiled = i && (overlay || purpose != COMMAND_VERIFY)
					     ? add_precompiled(command, i, overlay, argv)
					     : 0;
		cleanup_memory char *mapped = NULL;

		/* A copy of the code in another form, beside which clang makes no sections. */
		if (i && is_compared(purpose) && strncmp(arg, "-fembed-bitcode", 15) == 0 &&
		    strcmp(command->argv.items[i - 1], "-Xclang") != 0)
			continue;
		if (precompiled) {
			i += precompiled - 1;
			continue;
		}
		/* Nobody is shown what is to be said about the original. */
		if (i && purpose == COMMAND_ORIGINAL && is_warning(arg) &&
		    strncmp(command->argv.items[i - 1], "-X", 2) != 0)
			continue;
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

bool command_is_clang(const struct command *command)
{
	return command->is_clang;
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

void command_included(const struct command *command, struct strings *paths)
{
	for (size_t i = 1; i < command->argv.count; i++) {
		const char *value;
		size_t taken = find_pair(&command->argv, i, "-include", &value);

		if (!taken) {
			taken = find_pair(&command->argv, i, "-include-pch", &value);
			if (taken) {
				cleanup_memory char *header = header_of(command, value);

				if (header)
					strings_take(paths,
						     path_absolute(command->directory, header));
			}
		} else {
			strings_take(paths, path_absolute(command->directory, value));
		}
		i += taken ? taken - 1 : 0;
	}
}

/* Debug information of everything that is declared, where its readers find it. */
static void add_description(const struct command *command, struct strings *argv)
{
	if (!command->has_debug)
		strings_add(argv, "-g");
	if (command->splits_debug)
		strings_add(argv, "-gno-split-dwarf");
	if (command->old_debug)
		strings_add(argv, "-gdwarf-4");
	if (strings_contain(&command->argv, "-gstrict-dwarf"))
		strings_add(argv, "-gno-strict-dwarf");
	/* Types are read where their units are. */
	if (strings_contain(&command->argv, "-fdebug-types-section"))
		strings_add(argv, "-fno-debug-types-section");
	/* Classes are described in every unit, not only in the one with their vtable. */
	if (command_is_clang(command))
		strings_add(argv, "-fstandalone-debug");
	else if (is_cplusplus(command))
		strings_add(argv, "-femit-class-debug-always");
}

int command_make(const struct command *command, enum command_purpose purpose,
		 const struct overlay *overlay, const char *output, struct strings *argv,
		 char **directory, struct suture_error *err)
{
	char *where = overlay ? map_path(overlay, command->directory) : strdup(command->directory);

	add_options(command, purpose, overlay, argv);
	/* A header found by a shorter name would be the original, not the view's. */
	if (purpose != COMMAND_VERIFY && !command_is_clang(command))
		strings_add(argv, "-fno-canonical-system-headers");
	if (overlay)
		add_prefix_maps(command, overlay, argv);
	if (purpose != COMMAND_DEPEND)
		strings_add(argv, "-fdiagnostics-color=never");
	if (is_compared(purpose)) {
		strings_add(argv, "-ffunction-sections");
		strings_add(argv, "-fdata-sections");
		/* Of a precompiled header, only what is read first is taken. */
		if (!command_is_clang(command)) {
			strings_add(argv, "-imacros");
			strings_add(argv, "/dev/null");
		}
	}
	if (purpose == COMMAND_COMPARE || purpose == COMMAND_ORIGINAL)
		add_description(command, argv);
	/* Where a variable is at each instruction is for debuggers. It is found out last, and costs
	 * an eighth of the compiler's time. */
	if (purpose == COMMAND_ORIGINAL)
		strings_add(argv, "-fno-var-tracking");
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
	if (overlay || is_compared(purpose)) {
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

/* SPDX-License-Identifier: MIT */
/* Compile commands; see command.h. */
#include "builder/command.h"
#include "builder/compiler.h"

#include "builder/path.h"
#include "builder/wrapper.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>

enum { RESPONSE_DEPTH_MAX = 8, RESPONSE_SIZE_MAX = 1 << 24 };

void command_fini(struct command *command)
{
	free(command->directory);
	free(command->source);
	free(command->dep_file);
	strings_fini(&command->argv);
	strings_fini(&command->environment);
	*command = (struct command){0};
}

static bool is_one_of(const char *text, const char *const *list)
{
	for (; *list; list++)
		if (strcmp(text, *list) == 0)
			return true;
	return false;
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* @file arguments are replaced by what is in the file, as the compiler would. */
static int expand_responses(const struct strings *from, const char *directory, unsigned depth,
			    struct strings *to, struct suture_error *err)
{
	for (size_t i = 0; i < from->count; i++) {
		cleanup_memory char *path = NULL;
		cleanup_memory uint8_t *data = NULL;
		cleanup_memory char *text = NULL;
		struct strings inner = {0};
		size_t size;
		int rc;

		if (from->items[i][0] != '@' || !from->items[i][1]) {
			strings_add(to, from->items[i]);
			continue;
		}
		path = path_join(directory, from->items[i] + 1);
		if (!path)
			return error_no_memory(err);
		/* The compiler takes "@x" for a file's name when there is no file x. */
		if (!path_exists(path) && depth == 0)
			return error_set(err, SUTURE_E_BAD_INPUT,
					 "%s: the response file of the command is gone", path);
		if (depth >= RESPONSE_DEPTH_MAX)
			return error_set(err, SUTURE_E_BAD_INPUT, "%s: includes itself", path);
		rc = file_read(path, RESPONSE_SIZE_MAX, &data, &size, err);
		if (rc)
			return rc;
		text = strndup((char *)data, size);
		if (!text)
			return error_no_memory(err);
		strings_split(&inner, text, true);
		rc = strings_ok(&inner) ? expand_responses(&inner, directory, depth + 1, to, err)
					: error_no_memory(err);
		strings_fini(&inner);
		if (rc)
			return rc;
	}
	return strings_ok(to) ? 0 : error_no_memory(err);
}

/* Options whose value is the next argument, and that stay: the value is no source. */
static const char *const with_value[] = {"-I",
					 "-D",
					 "-U",
					 "-x",
					 "-include",
					 "-include-pch",
					 "-imacros",
					 "-isystem",
					 "-iquote",
					 "-idirafter",
					 "-isysroot",
					 "-iprefix",
					 "-iwithprefix",
					 "-iwithprefixbefore",
					 "-Xpreprocessor",
					 "-Xassembler",
					 "-Xlinker",
					 "-Xclang",
					 "-arch",
					 "-target",
					 "-mllvm",
					 "-L",
					 "-l",
					 "-T",
					 "-u",
					 "-z",
					 "-aux-info",
					 "--param",
					 "-B",
					 "-framework",
					 "-specs",
					 "-wrapper",
					 "--sysroot",
					 "-imultilib",
					 "-gcc-toolchain",
					 NULL};

/* Options with the next argument as value, and options alone, that only say where output goes. */
static const char *const dropped_pairs[] = {
	"-MT", "-MQ", "-dumpbase", "-dumpdir", "-dumpbase-ext", "--serialize-diagnostics", NULL};
static const char *const dropped[] = {"-c",
				      "-fpch-preprocess",
				      "-S",
				      "-E",
				      "-M",
				      "-MM",
				      "-MG",
				      "-MP",
				      "-pedantic-errors",
				      "-Wfatal-errors",
				      "-save-temps",
				      "-Werror",
				      "-v",
				      "-###",
				      "-prefer-pic",
				      "-prefer-non-pic",
				      NULL};

static int take_dep_file(struct command *command, const char *path, struct suture_error *err)
{
	free(command->dep_file);
	command->dep_file = path_absolute(command->directory, path);
	return command->dep_file ? 0 : error_no_memory(err);
}

/* -g and its relatives: the last one counts. */
static void note_debug(struct command *command, const char *arg)
{
	static const char *const full[] = {"-g",     "-g2",	"-g3",	  "-ggdb", "-ggdb2",
					   "-ggdb3", "-gdwarf", "-gfull", NULL};

	if (starts(arg, "-gdwarf-"))
		command->old_debug = arg[8] == '2' || arg[8] == '3';
	if (is_one_of(arg, full) || starts(arg, "-gdwarf-"))
		command->has_debug = true;
	else if (strcmp(arg, "-g0") == 0 || strcmp(arg, "-g1") == 0 || strcmp(arg, "-ggdb0") == 0 ||
		 strcmp(arg, "-ggdb1") == 0 || strcmp(arg, "-gline-tables-only") == 0 ||
		 strcmp(arg, "-gmlt") == 0)
		command->has_debug = false;
	else if (strcmp(arg, "-gsplit-dwarf") == 0 || starts(arg, "-gsplit-dwarf="))
		command->splits_debug = true;
}

/* True when the argument names the entry's source; others are objects or further sources. */
static bool is_entry_source(const struct command *command, const char *arg,
			    const struct compdb_entry *entry)
{
	cleanup_memory char *path = path_absolute(command->directory, arg);
	cleanup_memory char *real = NULL;
	cleanup_memory char *wanted = NULL;

	if (!path)
		return false;
	if (strcmp(path, entry->file) == 0)
		return true;
	real = path_real("/", path);
	wanted = path_real("/", entry->file);
	return real && wanted && strcmp(real, wanted) == 0;
}

static int take_argument(struct command *command, const struct compdb_entry *entry,
			 const struct strings *argv, size_t *at, struct suture_error *err)
{
	const char *arg = argv->items[*at];
	const char *value = *at + 1 < argv->count ? argv->items[*at + 1] : NULL;

	if (strcmp(arg, "-MF") == 0 && value) {
		++*at;
		return take_dep_file(command, value, err);
	}
	if (starts(arg, "-MF") && arg[3])
		return take_dep_file(command, arg + 3, err);
	if (strcmp(arg, "-MD") == 0 || strcmp(arg, "-MMD") == 0) {
		/* Without -MF: beside the object. */
		if (!command->dep_file && entry->output) {
			const char *dot = strrchr(path_base(entry->output), '.');
			size_t length = dot ? (size_t)(dot - entry->output) : strlen(entry->output);

			if (asprintf(&command->dep_file, "%.*s.d", (int)length, entry->output) <
			    0) {
				command->dep_file = NULL;
				return error_no_memory(err);
			}
		}
		return 0;
	}
	if (is_one_of(arg, dropped_pairs) || strcmp(arg, "-o") == 0) {
		*at += value != NULL;
		return 0;
	}
	if (is_one_of(arg, dropped) || starts(arg, "-MT") || starts(arg, "-MQ") ||
	    starts(arg, "-Werror=") || starts(arg, "-save-temps=") || starts(arg, "-dump") ||
	    starts(arg, "-Wp,-M") || (starts(arg, "-o") && arg[2]))
		return 0;
	note_debug(command, arg);
	if (starts(arg, "-flto") || strcmp(arg, "-fwhopr") == 0)
		command->is_lto = true;
	else if (strcmp(arg, "-fno-lto") == 0)
		command->is_lto = false;
	if (is_one_of(arg, with_value) && value) {
		command->makes_header |= strcmp(arg, "-x") == 0 && strlen(value) > 7 &&
					 strcmp(value + strlen(value) - 7, "-header") == 0;
		command->makes_header |= strcmp(value, "-emit-pch") == 0;
		strings_add(&command->argv, arg);
		strings_add(&command->argv, value);
		++*at;
	} else if (arg[0] == '-' && arg[1]) {
		if (strcmp(arg, "--") != 0)
			strings_add(&command->argv, arg);
	} else if (is_entry_source(command, arg, entry)) {
		free(command->source);
		command->source = strdup(arg);
		if (!command->source)
			return error_no_memory(err);
	}
	return 0;
}

static int take_wrapper(struct command *command, const struct wrapper *wrapper,
			const char *compiler, struct suture_error *err)
{
	if (wrapper->directory) {
		char *directory = path_absolute(command->directory, wrapper->directory);

		if (!directory)
			return error_no_memory(err);
		free(command->directory);
		command->directory = directory;
	}
	strings_add_all(&command->environment, &wrapper->environment);
	strings_take(&command->argv, wrapper_find(wrapper, compiler, command->directory));
	if (!strings_ok(&command->argv) || !strings_ok(&command->environment))
		return error_no_memory(err);
	command->is_clang = compiler_is_clang(command->argv.items[0], command->directory,
					      &command->environment);
	return 0;
}

int command_init(struct command *command, const struct compdb_entry *entry,
		 struct suture_error *err)
{
	struct strings argv = {0};
	struct wrapper wrapper = {0};
	int rc;

	*command = (struct command){.directory = strdup(entry->directory)};
	if (!command->directory)
		return error_no_memory(err);
	rc = expand_responses(&entry->argv, entry->directory, 0, &argv, err);
	if (!rc && !argv.count)
		rc = error_set(err, SUTURE_E_BAD_INPUT, "an empty compile command");
	if (rc)
		goto out;
	if (!wrapper_read(&wrapper, &argv))
		rc = error_no_memory(err);
	if (!rc)
		rc = take_wrapper(command, &wrapper, argv.items[wrapper.compiler], err);
	for (size_t at = wrapper.compiler + 1; at < argv.count && !rc; at++)
		rc = take_argument(command, entry, &argv, &at, err);
	if (rc)
		goto out;
	if (wrapper.libtool && !strings_contain(&argv, "-static") &&
	    !strings_contain(&argv, "-prefer-non-pic")) {
		strings_add(&command->argv, "-fPIC");
		strings_add(&command->argv, "-DPIC");
	}
	if (!command->source)
		command->source = strdup(entry->file);
	if (!command->source || !strings_ok(&command->argv) || !strings_ok(&command->environment))
		rc = error_no_memory(err);
out:
	if (rc)
		error_context(err, "the command of %s", entry->file);
	wrapper_fini(&wrapper);
	strings_fini(&argv);
	return rc;
}

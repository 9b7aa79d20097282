/* SPDX-License-Identifier: MIT */
/* Wrappers of compilers; see wrapper.h. */
#include "builder/wrapper.h"

#include "builder/path.h"

#include "base/file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool is_wrapper(const char *base)
{
	static const char *const wrappers[] = {
		"ccache",    "sccache", "distcc", "icecc",     "pump",	  "buildcache",
		"firebuild", "nice",	"time",	  "env",       "libtool", "sh",
		"bash",	     "cmake",	"ionice", "taskset",   "prlimit", "chrt",
		"stdbuf",    "setarch", "gomacc", "rewrapper", NULL};

	for (size_t i = 0; wrappers[i]; i++)
		if (strcmp(base, wrappers[i]) == 0)
			return true;
	return starts(base, "libtool");
}

static bool is_compiler(const char *base)
{
	static const char *const names[] = {"cc", "c++", "gcc", "g++", "clang", "clang++", NULL};
	const char *at = base;

	/* x86_64-linux-gnu-gcc-12, clang++-14: a known name between dashes. */
	while (*at) {
		size_t length = strcspn(at, "-");

		for (size_t i = 0; names[i]; i++)
			if (strlen(names[i]) == length && strncmp(at, names[i], length) == 0)
				return true;
		at += length + (at[length] == '-');
	}
	return false;
}

static bool is_assignment(const char *word)
{
	size_t length =
		strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz0123456789");

	return length && word[length] == '=' && !(word[0] >= '0' && word[0] <= '9');
}

/* Index of the compiler. */
static size_t find_compiler(const struct strings *words)
{
	size_t at = 0;

	if (!words->count)
		return 0;
	/* VAR=VALUE as a shell takes it; a wrapper that nobody knows, right before a compiler. */
	if (!is_wrapper(path_base(words->items[0])) && !is_assignment(words->items[0]) &&
	    !(words->count > 1 && !is_compiler(path_base(words->items[0])) &&
	      is_compiler(path_base(words->items[1]))))
		return 0;
	/* Everything up to the compiler belongs to the wrappers: options, VAR=VALUE, scripts, "--".
	 */
	while (at < words->count && !is_compiler(path_base(words->items[at])))
		at++;
	return at < words->count ? at : 0;
}

/* The last word about a variable counts. */
static void forget(struct strings *environment, const char *word)
{
	size_t length = strcspn(word, "=");
	size_t kept = 0;

	for (size_t i = 0; i < environment->count; i++) {
		char *item = environment->items[i];

		if (strcspn(item, "=") == length && strncmp(item, word, length) == 0)
			free(item);
		else
			environment->items[kept++] = item;
	}
	if (kept < environment->count)
		environment->items[kept] = NULL;
	environment->count = kept;
}

static void change(struct strings *environment, const char *word)
{
	forget(environment, word);
	strings_add(environment, word);
}

/* The value of the option that word, at *at, is: `-u NAME`, `-uNAME`, `--unset=NAME` or
 * `--unset NAME`; or NULL. */
static const char *value_of(const char *word, const struct strings *words, size_t *at,
			    const char *letter, const char *name)
{
	if (strcmp(word, letter) == 0 || strcmp(word, name) == 0)
		return *at + 1 < words->count ? words->items[++*at] : NULL;
	if (starts(word, name) && word[strlen(name)] == '=')
		return word + strlen(name) + 1;
	return starts(word, letter) ? word + strlen(letter) : NULL;
}

/* An option of env, or of `cmake -E env`. */
static bool read_option(struct wrapper *wrapper, const struct strings *words, size_t *at)
{
	const char *word = words->items[*at];
	const char *value;

	if (strcmp(word, "-") == 0 || strcmp(word, "-i") == 0 ||
	    strcmp(word, "--ignore-environment") == 0) {
		strings_fini(&wrapper->environment);
		strings_add(&wrapper->environment, "-");
		return true;
	}
	value = value_of(word, words, at, "-u", "--unset");
	if (value) {
		change(&wrapper->environment, value);
		return true;
	}
	value = value_of(word, words, at, "-C", "--chdir");
	if (value) {
		free(wrapper->directory);
		wrapper->directory = strdup(value);
		return wrapper->directory != NULL;
	}
	return true;
}

bool wrapper_read(struct wrapper *wrapper, const struct strings *words)
{
	bool of_env = false;

	*wrapper = (struct wrapper){.compiler = find_compiler(words)};
	for (size_t i = 0; i < wrapper->compiler; i++) {
		const char *word = words->items[i];

		wrapper->libtool |= starts(word, "--mode=compile");
		if (is_assignment(word)) {
			change(&wrapper->environment, word);
		} else if (of_env && word[0] == '-') {
			if (!read_option(wrapper, words, &i))
				return false;
		} else {
			of_env = strcmp(path_base(word), "env") == 0;
		}
	}
	return strings_ok(&wrapper->environment);
}

void wrapper_fini(struct wrapper *wrapper)
{
	strings_fini(&wrapper->environment);
	free(wrapper->directory);
	*wrapper = (struct wrapper){0};
}

/* What the compiler is looked for in; NULL where it is our own PATH. */
static const char *search_path(const struct wrapper *wrapper)
{
	const struct strings *environment = &wrapper->environment;
	const char *path = NULL;

	for (size_t i = 0; i < environment->count; i++) {
		const char *item = environment->items[i];

		if (starts(item, "PATH="))
			path = item + strlen("PATH=");
		else if (strcmp(item, "-") == 0 || strcmp(item, "PATH") == 0)
			path = "/bin:/usr/bin"; /* as execvp(3) does without one */
	}
	return path;
}

static bool can_run(const char *path)
{
	struct stat file;

	return stat(path, &file) == 0 && S_ISREG(file.st_mode) && access(path, X_OK) == 0;
}

char *wrapper_find(const struct wrapper *wrapper, const char *name, const char *directory)
{
	const char *list = strchr(name, '/') ? NULL : search_path(wrapper);

	while (list && *list) {
		size_t length = strcspn(list, ":");
		cleanup_memory char *part = strndup(list, length);
		cleanup_memory char *folder = part ? path_join(directory, part) : NULL;
		char *path = folder ? path_join(folder, name) : NULL;

		if (!path || can_run(path))
			return path;
		free(path);
		list += length + (list[length] == ':');
	}
	return strdup(name);
}

/* SPDX-License-Identifier: MIT */
/* Options that decide more than the code of functions; see unsupported.h. */
#include "builder/unsupported.h"

#include "builder/lexer.h"
#include "builder/path.h"

#include "base/file.h"

#include <stdio.h>
#include <string.h>

enum { SOURCE_SIZE_MAX = 1 << 28 };

struct reason {
	const char *option; /* its spelling, for the sentence */
	const char *why;
};

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Of a list: code of its own in each function, and nothing that describes the whole file. */
static bool is_harmless_sanitizer(const char *name, size_t length)
{
	static const char *const names[] = {
		"thread", "memory", "leak", "safe-stack", "shadow-call-stack", NULL};

	for (size_t i = 0; names[i]; i++)
		if (strlen(names[i]) == length && strncmp(name, names[i], length) == 0)
			return true;
	return false;
}

/* address, undefined and the like write tables with the places of all variables and checks. */
static const char *sanitizer(const struct command *command)
{
	const char *found = NULL;

	for (size_t i = 1; i < command->argv.count; i++) {
		const char *arg = command->argv.items[i];
		const char *name;

		/* Checks that trap, or call a function without words, have no tables. */
		if (starts(arg, "-fsanitize-trap") || starts(arg, "-fsanitize-undefined-trap") ||
		    strcmp(arg, "-fsanitize-minimal-runtime") == 0)
			return NULL;
		if (strcmp(arg, "-fno-sanitize=all") == 0)
			found = NULL;
		if (!starts(arg, "-fsanitize="))
			continue;
		name = strchr(arg, '=') + 1;
		for (size_t length; *name; name += length + (name[length] == ',')) {
			length = strcspn(name, ",");
			if (!is_harmless_sanitizer(name, length))
				found = arg;
		}
	}
	return found;
}

static const char *coverage(const struct command *command)
{
	for (size_t i = 1; i < command->argv.count; i++) {
		const char *arg = command->argv.items[i];

		if (strcmp(arg, "--coverage") == 0 || strcmp(arg, "-coverage") == 0 ||
		    strcmp(arg, "-fprofile-arcs") == 0 || strcmp(arg, "-ftest-coverage") == 0 ||
		    (starts(arg, "-fprofile-generate") && !command_is_clang(command)))
			return arg;
	}
	return NULL;
}

/*
 * gcc finds the counts by the names of the object file and the folder, and a static function's by
 * the object's name: what is compiled elsewhere for the comparison finds none, or others.
 */
static const char *profile(const struct command *command)
{
	const char *found = NULL;

	for (size_t i = 1; i < command->argv.count && !command_is_clang(command); i++) {
		const char *arg = command->argv.items[i];

		if (starts(arg, "-fprofile-use") || strcmp(arg, "-fbranch-probabilities") == 0)
			found = arg;
		else if (starts(arg, "-fno-profile-use"))
			found = NULL;
	}
	return found;
}

static const char *block_sections(const struct command *command)
{
	const char *found = NULL;

	for (size_t i = 1; i < command->argv.count; i++) {
		const char *arg = command->argv.items[i];

		if (starts(arg, "-fbasic-block-sections="))
			found = strstr(arg, "=none") || strstr(arg, "=labels") ? NULL : arg;
	}
	return found;
}

/*
 * `export module x;` or `module x:y;` at the start of a statement: what other files import of it is
 * no text that could be compared. Files that import are like any other.
 */
static bool declares_module(const char *text, size_t size)
{
	struct lexer lexer;
	struct lexer_token token, before = {0};
	bool starts = true, exported = false, named = false;

	lexer_init(&lexer, text, size);
	for (; (token = lexer_next(&lexer)).kind != LEXER_END; before = token) {
		starts |= before.kind == LEXER_NEWLINE || lexer_is(&lexer, before, ";") ||
			  lexer_is(&lexer, before, "}");
		if (named && lexer_is(&lexer, token, ":"))
			return true;
		named &= !lexer_is(&lexer, token, ";");
		if (starts && lexer_is(&lexer, token, "module")) {
			if (exported)
				return true;
			named = true;
		}
		exported = starts && lexer_is(&lexer, token, "export");
		starts = exported;
	}
	return false;
}

static bool is_module_file(const char *path)
{
	static const char *const extensions[] = {".cppm", ".ccm", ".cxxm", ".c++m", ".ixx", ".mxx"};
	const char *dot = strrchr(path_base(path), '.');

	for (size_t i = 0; dot && i < sizeof(extensions) / sizeof(extensions[0]); i++)
		if (strcmp(dot, extensions[i]) == 0)
			return true;
	return false;
}

/* Build systems pass such options to all of C++20. */
static bool is_module(const struct compile_unit *unit)
{
	cleanup_memory uint8_t *text = NULL;
	bool may = is_module_file(unit->entry->file);
	size_t size;

	for (size_t i = 1; i < unit->command.argv.count && !may; i++) {
		const char *arg = unit->command.argv.items[i];

		may = starts(arg, "-fmodule") || starts(arg, "-fprebuilt-module-path") ||
		      starts(arg, "-std=c++2") || starts(arg, "-std=gnu++2") ||
		      strcmp(arg, "c++-module") == 0;
	}
	return may && !file_read(unit->entry->file, SOURCE_SIZE_MAX, &text, &size, NULL) &&
	       declares_module((const char *)text, size);
}

static struct reason find_reason(const struct compile_unit *unit)
{
	const struct command *command = &unit->command;
	const char *option;

	if (command->is_lto)
		return (struct reason){"-flto", "its code is only made when the program is linked, "
						"and can't be compared with the binary"};
	option = sanitizer(command);
	if (option)
		return (struct reason){
			option, "its checks come with tables of the whole file, which a patch of "
				"single functions can't have"};
	option = coverage(command);
	if (option)
		return (struct reason){
			option, "its counters are laid out for the whole file, and a patch of "
				"single functions can't have them"};
	option = profile(command);
	if (option)
		return (struct reason){option, "gcc would not find the same counts for what is "
					       "compiled to be compared with the binary"};
	option = block_sections(command);
	if (option)
		return (struct reason){option, "its functions are in pieces that are no functions"};
	if (strings_contain(&command->argv, "-mcmodel=large"))
		return (struct reason){"-mcmodel=large",
				       "addresses are made in ways that are not understood"};
	return (struct reason){0};
}

/* What is to be said of a unit: "is compiled with -flto: …", and the way out. */
struct verdict {
	char text[512];
	char next[128];
};

static bool judge(const struct compile_unit *unit, struct verdict *verdict)
{
	struct reason reason;

	if (unit->skipped)
		return false;
	reason = find_reason(unit);
	if (reason.option) {
		snprintf(verdict->text, sizeof(verdict->text), "is compiled with %s: %s",
			 reason.option, reason.why);
		snprintf(verdict->next, sizeof(verdict->next), "build the server without %s",
			 reason.option);
		return true;
	}
	if (!is_module(unit))
		return false;
	strcpy(verdict->text, "is the interface of a C++20 module: what other files take from it "
			      "can't be compared");
	strcpy(verdict->next, "change functions in files that import it");
	return true;
}

void unsupported_refuse(const struct compile_unit *units, size_t count, struct refusals *refusals)
{
	struct verdict verdict;

	for (size_t i = 0; i < count; i++) {
		if (!judge(&units[i], &verdict))
			continue;
		refusals_add(refusals, SUTURE_E_UNSUPPORTED, units[i].entry->file, 0, verdict.next,
			     "%s %s", units[i].name, verdict.text);
		return;
	}
}

void unsupported_leave_out(struct compile_unit *units, size_t count, struct strings *notes)
{
	struct verdict verdict;
	bool any = false;

	for (size_t i = 0; i < count && !any; i++)
		any = !units[i].skipped && !judge(&units[i], &verdict);
	for (size_t i = 0; i < count && any; i++) {
		if (!judge(&units[i], &verdict))
			continue;
		strings_add_format(notes, "%s is not prepared, and can't be patched: it %s",
				   units[i].name, verdict.text);
		units[i].skipped = true;
	}
}

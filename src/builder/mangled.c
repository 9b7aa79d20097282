/* SPDX-License-Identifier: MIT */
/*
 * Reading closures by the demangler of the C++ runtime: a number that may be a closure's is changed
 * to one that nothing has, and where that comes out is the closure. Substitutions stay valid, since
 * what was equal in a name stays equal.
 */
#include "mangled.h"

#include "typename.h"

#include "base/file.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of the Itanium C++ ABI, in every C++ runtime. */
extern char *__cxa_demangle(const char *mangled, char *buffer, size_t *size, int *status);

/* No compiler counts so far. */
#define STRANGE_MANGLED	 "987654321"
#define STRANGE_BY_SCOPE "#987654323}"
#define STRANGE_BY_UNIT	 "$_987654321"

bool mangled_may_have_closures(const char *name)
{
	return strncmp(name, "_Z", 2) == 0 && (strstr(name, "Ul") || strstr(name, "$_"));
}

static size_t digits(const char *text)
{
	size_t count = 0;

	while (isdigit((unsigned char)text[count]))
		count++;
	return count;
}

/* E_ E0_ E1_ … or 3$_0: the place and number of what may be a closure's number, at text + at. */
static bool spells_number(const char *name, size_t at, struct mangled_closure *closure)
{
	size_t count;

	*closure = (struct mangled_closure){.start = at + 1};
	if (name[at] == 'E') {
		count = digits(name + at + 1);
		if (name[at + 1 + count] != '_' || count > 9)
			return false;
		closure->length = count;
		closure->number = count ? (unsigned)strtoul(name + at + 1, NULL, 10) + 1 : 0;
		return true;
	}
	if (isdigit((unsigned char)name[at]) &&
	    (at == 0 || !isdigit((unsigned char)name[at - 1]))) {
		count = digits(name + at);
		if (strncmp(name + at + count, "$_", 2) != 0)
			return false;
		closure->start = at;
		closure->length = count + 2 + digits(name + at + count + 2);
		closure->number = (unsigned)strtoul(name + at + count + 2, NULL, 10);
		closure->by_unit = true;
		return true;
	}
	return false;
}

static const char *respell(struct arena *arena, const char *name,
			   const struct mangled_closure *closure, const char *spelling)
{
	return arena_format(arena, "%.*s%s%s", (int)closure->start, name, spelling,
			    name + closure->start + closure->length);
}

/* Where the qualified name starts that ends at text + end, balanced, qualifiers of functions in. */
static size_t name_start(const char *text, size_t end)
{
	int depth = 0;
	size_t at = end;

	while (at > 0) {
		char c = text[at - 1];

		if (strchr(")>}]", c))
			depth++;
		else if ((strchr("(<{[", c) && depth-- == 0) ||
			 (depth == 0 &&
			  (c == ',' || (c == ' ' && (at < 2 || text[at - 2] != ')')))))
			break;
		at--;
	}
	while (strchr("&*", text[at]) && at < end)
		at++;
	return at;
}

static bool is_nested(const char *text, size_t end)
{
	int depth = 0;

	for (size_t i = 0; i < end; i++)
		depth += strchr("(<{[", text[i]) ? 1 : strchr(")>}]", text[i]) ? -1 : 0;
	return depth > 0;
}

/* Fills in what is read from text, the readable name with the strange number. */
static bool locate(struct arena *arena, const char *text, struct mangled_closure *closure)
{
	const char *mark = closure->by_unit ? STRANGE_BY_UNIT : STRANGE_BY_SCOPE;
	const char *found = strstr(text, mark);
	size_t end, start;
	int depth = 1;

	if (!found)
		return false;
	end = (size_t)(found - text);
	start = end;
	while (!closure->by_unit && depth > 0 && start > 0) {
		start--;
		depth += text[start] == '}' ? 1 : text[start] == '{' ? -1 : 0;
	}
	start = name_start(text, start);
	closure->key = arena_format(arena, "%.*s%s", (int)(end - start), text + start,
				    closure->by_unit ? "$_" : "#");
	closure->is_scope = strncmp(found + strlen(mark), "::", 2) == 0;
	closure->is_outer = !is_nested(text, start);
	return true;
}

bool mangled_closures(struct arena *arena, const char *name, struct mangled_closure **list,
		      size_t *count)
{
	cleanup_memory char *readable = __cxa_demangle(name, NULL, NULL, NULL);
	size_t capacity = 0;

	*list = NULL;
	*count = 0;
	if (!readable)
		return false;
	for (size_t i = 2; name[i]; i++) {
		cleanup_memory char *text = NULL;
		struct mangled_closure closure;
		const char *strange;

		if (!spells_number(name, i, &closure))
			continue;
		strange = respell(arena, name, &closure,
				  closure.by_unit ? "11" STRANGE_BY_UNIT : STRANGE_MANGLED);
		text = strange ? __cxa_demangle(strange, NULL, NULL, NULL) : NULL;
		if (!text || !locate(arena, text, &closure))
			continue;
		*list = arena_grow(arena, *list, *count, &capacity, sizeof(**list));
		if (*list)
			(*list)[(*count)++] = closure;
	}
	return true;
}

const char *mangled_renumber(struct arena *arena, const char *name,
			     const struct mangled_closure *list, size_t count,
			     const unsigned *numbers)
{
	for (size_t i = count; name && i-- > 0;) {
		char spelling[32] = "";

		if (list[i].by_unit) {
			int length = snprintf(NULL, 0, "$_%u", numbers[i]);

			snprintf(spelling, sizeof(spelling), "%d$_%u", length, numbers[i]);
		} else if (numbers[i]) {
			snprintf(spelling, sizeof(spelling), "%u", numbers[i] - 1);
		}
		name = respell(arena, name, &list[i], spelling);
	}
	return name;
}

char *mangled_type(const char *name)
{
	cleanup_memory char *readable = __cxa_demangle(name, NULL, NULL, NULL);

	return strdup(readable ? typename_last(readable) : name);
}

/* SPDX-License-Identifier: MIT */
/* See given.h. Functions that are named by such a lambda are new, and get new objects only. */
#include "builder/given.h"

#include "builder/mangled.h"

#include "base/error.h"
#include "base/file.h"

#include <stdlib.h>
#include <string.h>

extern char *__cxa_demangle(const char *mangled, char *buffer, size_t *size, int *status);

static const struct closure *mentioned(const struct closures *closures, const char *name)
{
	struct mangled_closure *list;
	size_t count;

	if (!name || !mangled_may_have_closures(name) ||
	    !mangled_closures(closures->arena, name, &list, &count))
		return NULL;
	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < closures->count; k++) {
			const struct closure *closure = &closures->list[k];

			if (closure->recaptured && closure->other == list[i].number &&
			    strcmp(closure->original_key, list[i].key) == 0)
				return closure;
		}
	return NULL;
}

/* Of a lambda's key, what the function around it is called: "step()" of "step()::{lambda()#". */
static size_t outer_length(const struct closure *closure)
{
	const char *key = closure->original_key;
	size_t at = strlen(key);
	int depth = 0;

	if (closure->by_unit) {
		at -= 2; /* "$_" */
	} else {
		while (at > 0) {
			char c = key[--at];

			if (c == '{' && depth-- == 0)
				break;
			depth += c == '}';
		}
	}
	return at > 2 && strncmp(key + at - 2, "::", 2) == 0 ? at - 2 : 0;
}

/* Is it declared inside the function around the lambda? Names of templates begin with a type. */
static bool is_inside(const struct closure *closure, const char *name)
{
	cleanup_memory char *symbol = strndup(name, strcspn(name, "."));
	cleanup_memory char *readable = symbol ? __cxa_demangle(symbol, NULL, NULL, NULL) : NULL;
	size_t length = outer_length(closure);

	for (const char *at = readable; length && at; at = strchr(at, ' ')) {
		at += *at == ' ';
		if (strncmp(at, closure->original_key, length) == 0 &&
		    strncmp(at + length, "::", 2) == 0)
			return true;
	}
	return false;
}

static const char *named(const struct reference *reference)
{
	if (reference->kind == REFERENCE_PART)
		return reference->part->name;
	return reference->kind == REFERENCE_EXTERNAL ? reference->symbol->name : NULL;
}

static void check(struct session *session, const struct unit *unit, struct part *part,
		  const struct closures *closures)
{
	const struct object_section *section = &unit->p.sections[part->section];
	struct part *family = part_family(part);
	const struct object_reloc *relocs;
	const struct closure *closure;
	const char *text;
	size_t count;

	relocs = object_relocs(section, part->start, part->start + part->size, &count);
	for (size_t i = 0; i < count; i++) {
		struct reference reference =
			part_reference(&unit->patched, part->section, &relocs[i]);

		closure = mentioned(closures, named(&reference));
		if (!closure || !is_inside(closure, family->name))
			continue;
		text = arena_format(
			&session->arena,
			"calls the lambda at %s:%d by a pointer that it was given: what "
			"that captures changes, and it could be an old one",
			closure->file, closure->line);
		if (text)
			session_refuse(session, SUTURE_E_LAYOUT_CHANGED, unit, family,
				       "leave the lambda's captures as they are", text);
		return;
	}
}

int given_check(struct session *session, const struct unit *unit, const struct closures *closures)
{
	bool any = false;

	for (size_t i = 0; i < closures->count; i++)
		any |= closures->list[i].recaptured;
	for (size_t i = 0; any && i < unit->patched.count; i++) {
		struct part *part = unit->patched.list[i];

		if ((part->kind == PART_FUNCTION || part->kind == PART_CHILD) &&
		    part_family(part)->twin && !mentioned(closures, part_family(part)->name))
			check(session, unit, part, closures);
	}
	return arena_check(&session->arena, session->err);
}

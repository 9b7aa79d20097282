/* SPDX-License-Identifier: MIT */
/* The list of refusals. A lost refusal would be a patch that should not exist: failure sticks. */
#include "refusal.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *copy_text(const char *text, bool *failed)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		*failed = true;
	return copy;
}

/* No way of writing it makes these a patch: what remains is a new process. */
static bool ends_with_handover(enum suture_code code)
{
	return code == SUTURE_E_LAYOUT_CHANGED || code == SUTURE_E_NEW_TLS ||
	       code == SUTURE_E_NEVER_IDLE || code == SUTURE_E_CONSTRUCTOR_CHANGED;
}

/* What to do instead, and where that ends; the caller's to free. */
static char *next_step(enum suture_code code, const char *next, bool *failed)
{
	static const char handover[] = "; else hand the server over, see suture-handover(7)";
	char *text;

	/* One that is passed on from the core has it already. */
	if (!next || !ends_with_handover(code) || strstr(next, handover))
		return copy_text(next, failed);
	if (asprintf(&text, "%s%s", next, handover) >= 0)
		return text;
	*failed = true;
	return NULL;
}

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void free_texts(const struct refusal *refusal)
{
	free(refusal->message);
	free(refusal->file);
	free(refusal->next);
}

/* Is the last one said already? One cause is met once for each section, or binary, that it is in.
 */
static bool is_said(const struct refusals *refusals)
{
	const struct refusal *last = &refusals->list[refusals->count - 1];

	for (size_t i = 0; i + 1 < refusals->count; i++) {
		const struct refusal *refusal = &refusals->list[i];

		if (refusal->code == last->code && refusal->line == last->line &&
		    same_text(refusal->message, last->message) &&
		    same_text(refusal->file, last->file) && same_text(refusal->next, last->next))
			return true;
	}
	return false;
}

void refusals_add(struct refusals *refusals, enum suture_code code, const char *file, unsigned line,
		  const char *next, const char *fmt, ...)
{
	struct refusal *list;
	struct refusal *refusal;
	char *message = NULL;
	va_list args;

	va_start(args, fmt);
	if (vasprintf(&message, fmt, args) < 0)
		message = NULL;
	va_end(args);
	list = reallocarray(refusals->list, refusals->count + 1, sizeof(*list));
	if (list)
		refusals->list = list;
	if (!list || !message) {
		free(message);
		refusals->failed = true;
		return;
	}
	refusal = &list[refusals->count++];
	refusal->code = code;
	refusal->message = message;
	refusal->file = copy_text(file, &refusals->failed);
	refusal->line = line;
	refusal->next = next_step(code, next, &refusals->failed);
	if (is_said(refusals))
		free_texts(&list[--refusals->count]);
}

void refusals_take(struct refusals *refusals, struct refusals *from)
{
	struct refusal *list =
		reallocarray(refusals->list, refusals->count + from->count + 1, sizeof(*list));

	refusals->failed |= from->failed || !list;
	if (list) {
		refusals->list = list;
		if (from->count)
			memcpy(list + refusals->count, from->list, from->count * sizeof(*list));
		refusals->count += from->count;
		from->count = 0;
	}
	refusals_fini(from);
}

int refusals_check(const struct refusals *refusals, struct suture_error *err)
{
	return refusals->failed ? error_no_memory(err) : 0;
}

void refusals_fini(struct refusals *refusals)
{
	for (size_t i = 0; i < refusals->count; i++)
		free_texts(&refusals->list[i]);
	free(refusals->list);
	*refusals = (struct refusals){0};
}

enum { NAMES_SHOWN = 4 };

void refusal_names_add(struct refusal_names *names, const char *name)
{
	size_t used = strlen(names->text);

	if (names->count++ < NAMES_SHOWN)
		snprintf(names->text + used, sizeof(names->text) - used, "%s%s", used ? ", " : "",
			 name);
}

void refusal_names_finish(struct refusal_names *names)
{
	size_t used = strlen(names->text);

	if (names->count > NAMES_SHOWN)
		snprintf(names->text + used, sizeof(names->text) - used, " and %zu more",
			 names->count - NAMES_SHOWN);
}

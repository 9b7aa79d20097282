/* SPDX-License-Identifier: MIT */
/* Pairing closures by their place, and giving P's the numbers that follow from it. */
#include "lambda.h"

#include "base/error.h"
#include "mangled.h"
#include "recapture.h"

#include <stdlib.h>
#include <string.h>

/* New closures are counted by their line from here: the same in every unit that has a header. */
enum { FRESH = 1000000, FRESH_STEP = 1000000 };

/* As the demangler writes it. */
static const char *readable(struct arena *arena, const struct closure *closure, const char *key,
			    unsigned number)
{
	return closure->by_unit ? arena_format(arena, "%s%u", key, number)
				: arena_format(arena, "%s%u}", key, number + 1);
}

static int by_length(const void *left, const void *right)
{
	const struct closure *a = left;
	const struct closure *b = right;
	size_t la = strlen(a->key), lb = strlen(b->key);
	int order = (la > lb) - (la < lb);

	if (!order)
		order = strcmp(a->key, b->key);
	return order ? order : (a->number > b->number) - (a->number < b->number);
}

static bool is_name_char(char c)
{
	return c == '_' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* The longest name of a closure before `at` in the list that text has at this place. */
static const struct closure *spelled_at(const struct closures *closures, size_t at,
					const char *text, size_t *length)
{
	const struct closure *found = NULL;

	for (size_t i = 0; i < at; i++) {
		const struct closure *closure = &closures->list[i];
		size_t size = strlen(closure->spelled);

		if (strncmp(text, closure->spelled, size) == 0 &&
		    !(closure->by_unit && is_name_char(text[size]))) {
			found = closure; /* names come by rising length */
			*length = size;
		}
	}
	return found;
}

/* The key, with the numbers that closures which it mentions had in O. */
static const char *original_key(const struct closures *closures, size_t at)
{
	struct arena *arena = closures->arena;
	const char *key = closures->list[at].key;
	const char *made = NULL;
	size_t done = 0;

	for (size_t i = 0; key[i];) {
		const struct closure *closure = NULL;
		size_t length = 0;

		if (i == 0 || !is_name_char(key[i - 1]))
			closure = spelled_at(closures, at, key + i, &length);
		if (!closure) {
			i++;
			continue;
		}
		made = arena_format(
			arena, "%s%.*s%s", made ? made : "", (int)(i - done), key + done,
			readable(arena, closure, closure->original_key, closure->other));
		i += length;
		done = i;
		if (!made)
			return NULL;
	}
	return made ? arena_format(arena, "%s%s", made, key + done) : key;
}

static bool same_line(const char *file, int line, const char *other_file, int other_line)
{
	return file && other_file && line == other_line && strcmp(file, other_file) == 0;
}

enum pairing {
	PAIRING_NEW,
	PAIRING_FOUND,
	PAIRING_AMBIGUOUS,
};

/* O's closure at the same place; edited lines may have moved the columns, not the order. */
static enum pairing pair_up(const struct closures *original, const struct closures *patched,
			    const struct closure *closure, unsigned *number)
{
	const struct closure_place place = {closure->file, closure->line, closure->column};
	size_t rank, other_rank, here, there, candidates = 0, peers = 0;
	bool same_number = false, on_same_line = false;

	here = closures_on_line(patched, &place, &rank);
	for (size_t i = 0; i < original->count; i++) {
		const struct closure *old = &original->list[i];
		const struct closure_place there_at = {old->file, old->line, old->column};

		if (strcmp(old->key, closure->original_key) != 0 ||
		    !same_line(old->file, old->line, closure->file, closure->line))
			continue;
		on_same_line = true;
		there = closures_on_line(original, &there_at, &other_rank);
		if (here != there)
			return PAIRING_AMBIGUOUS;
		if (rank != other_rank)
			continue;
		candidates++;
		*number = old->number;
		same_number |= old->number == closure->number;
	}
	for (size_t i = 0; i < patched->count; i++) {
		const struct closure *peer = &patched->list[i];

		peers += strcmp(peer->key, closure->key) == 0 && peer->column == closure->column &&
			 same_line(peer->file, peer->line, closure->file, closure->line);
	}
	if (!candidates)
		return on_same_line && !closure->column ? PAIRING_AMBIGUOUS : PAIRING_NEW;
	if (candidates == 1 && peers == 1)
		return PAIRING_FOUND;
	/* Several at one place, out of one macro: the numbers are all there is. */
	*number = closure->number;
	return candidates == peers && same_number ? PAIRING_FOUND : PAIRING_AMBIGUOUS;
}

static bool is_used(const struct closures *original, const struct closures *patched,
		    const char *key, unsigned number)
{
	if (closures_find(original, key, number))
		return true;
	for (size_t i = 0; i < patched->count; i++)
		if (patched->list[i].original_key && patched->list[i].paired &&
		    patched->list[i].other == number &&
		    strcmp(patched->list[i].original_key, key) == 0)
			return true;
	return false;
}

static void refuse(struct refusals *refusals, const struct closure *closure, const char *source,
		   const char *why, const char *next)
{
	refusals_add(refusals, SUTURE_E_UNSUPPORTED, closure->file ? closure->file : source,
		     (unsigned)closure->line, next,
		     "the lambda %s in %s %s: live ones could get another's code", closure->spelled,
		     source, why);
}

/* Nothing says where it is: as long as no closure came or went, it is the one of that number. */
static bool is_settled(const struct closures *original, const struct closures *patched)
{
	if (original->place_count != patched->place_count)
		return false;
	for (size_t i = 0; i < original->place_count; i++)
		if (!same_line(original->places[i].file, original->places[i].line,
			       patched->places[i].file, patched->places[i].line))
			return false;
	for (size_t i = 0; i < patched->count; i++)
		if (patched->list[i].other != patched->list[i].number)
			return false;
	return true;
}

static bool is_placed(const struct closure *closure)
{
	return closure->file && !closure->unsure;
}

static bool all_placed(const struct closures *closures, const struct closure **missing)
{
	for (size_t i = 0; i < closures->count; i++) {
		if (!is_placed(&closures->list[i])) {
			*missing = &closures->list[i];
			return false;
		}
	}
	return true;
}

/* What becomes of its number is decided: by its place, unless its captures change. */
static enum pairing judge(const struct closures *original, const struct closures *patched,
			  const struct recaptures *recaptures, struct closure *closure)
{
	const struct closure_place place = {closure->file, closure->line, closure->column};

	closure->recaptured = recapture_has(recaptures, &place);
	return closure->recaptured ? PAIRING_NEW
				   : pair_up(original, patched, closure, &closure->other);
}

static int number_all(const struct closures *original, struct closures *patched,
		      const struct recaptures *recaptures, const char *source,
		      struct refusals *refusals, struct suture_error *err)
{
	struct arena *arena = patched->arena;
	const struct closure *missing = NULL;
	bool placed;

	if (patched->count)
		qsort(patched->list, patched->count, sizeof(*patched->list), by_length);
	for (size_t i = 0; i < patched->count; i++) {
		struct closure *closure = &patched->list[i];

		closure->spelled = readable(arena, closure, closure->key, closure->number);
		closure->original_key = original_key(patched, i);
		if (!closure->spelled || !closure->original_key)
			return error_no_memory(err);
		if (!is_placed(closure))
			continue;
		switch (judge(original, patched, recaptures, closure)) {
		case PAIRING_FOUND:
			break;
		case PAIRING_NEW:
			closure->other = FRESH + (unsigned)closure->line;
			while (is_used(original, patched, closure->original_key, closure->other))
				closure->other += FRESH_STEP;
			break;
		case PAIRING_AMBIGUOUS:
			refuse(refusals, closure, source,
			       "can't be told from others on its line or in its macro",
			       "give each lambda a line of its own in an edit of its own, or leave "
			       "these as they are");
			return 0;
		}
		closure->paired = true;
	}
	placed = all_placed(patched, &missing) && all_placed(original, &missing) &&
		 !original->unreadable && !patched->unreadable;
	if (!placed && patched->count && !is_settled(original, patched)) {
		struct closure unknown = missing ? *missing : patched->list[0];

		unknown.spelled = readable(arena, &unknown, unknown.key, unknown.number);
		if (!unknown.spelled)
			return error_no_memory(err);
		refuse(refusals, &unknown, source,
		       "may be renumbered, and debug information doesn't say where it is",
		       "leave the lambdas of this file in number and order");
	}
	return 0;
}

static const char *renamed(const struct closures *closures, const char *name)
{
	struct mangled_closure *list;
	unsigned *numbers;
	bool differs = false;
	size_t count;

	if (!mangled_may_have_closures(name) ||
	    !mangled_closures(closures->arena, name, &list, &count) || !count)
		return name;
	numbers = arena_array(closures->arena, count, sizeof(*numbers));
	for (size_t i = 0; numbers && i < count; i++) {
		const struct closure *closure =
			closures_find(closures, list[i].key, list[i].number);

		numbers[i] = closure ? closure->other : list[i].number;
		differs |= numbers[i] != list[i].number;
	}
	return numbers && differs ? mangled_renumber(closures->arena, name, list, count, numbers)
				  : name;
}

/* What std::type_info::name() says is compared as a text: it follows the name that it spells. */
static void respell_type(struct arena *arena, struct object *object, struct object_symbol *symbol,
			 const char *old_name)
{
	struct object_section *section = &object->sections[symbol->section];
	const char *text;
	size_t star;

	if (strncmp(old_name, "_ZTS", 4) != 0 || !object_defines(object, symbol) || symbol->value ||
	    symbol->size != section->size || !section->data || !section->size)
		return;
	star = section->data[0] == '*';
	if (section->size != star + strlen(old_name + 4) + 1 ||
	    memcmp(section->data + star, old_name + 4, section->size - star) != 0)
		return;
	text = arena_format(arena, "%s%s", star ? "*" : "", symbol->name + 4);
	if (!text)
		return;
	section->data = (const uint8_t *)text;
	section->size = strlen(text) + 1;
	symbol->size = section->size;
}

static void rename_symbols(struct arena *arena, const struct closures *closures,
			   struct object *object)
{
	for (size_t i = 1; i < object->symbol_count; i++) {
		struct object_symbol *symbol = &object->symbols[i];
		const char *name = symbol->name;
		const char *other = renamed(closures, name);

		if (!other) {
			arena->failed = true;
			return;
		}
		symbol->name = other;
		if (other != name)
			respell_type(arena, object, symbol, name);
	}
}

int lambda_rename(struct arena *arena, const struct object *original, const struct closures *known,
		  struct object *patched, const char *source, struct closures *closures,
		  struct refusals *refusals, struct suture_error *err)
{
	struct recaptures recaptures = {0};
	struct closures before;
	int code = closures_read(arena, patched, closures, err);

	if (!code && closures->count && !known) {
		code = closures_read(arena, original, &before, err);
		known = &before;
	}
	if (!code && closures->count)
		code = recapture_find(known, closures, patched->path, &recaptures, err);
	if (!code && closures->count)
		code = number_all(known, closures, &recaptures, source, refusals, err);
	if (code || refusals->count)
		return code;
	if (closures->count)
		rename_symbols(arena, closures, patched);
	if (closures->count && patched->description)
		rename_symbols(arena, closures, patched->description);
	return arena_check(arena, err);
}

void lambda_rename_owners(const struct closures *closures, struct part_set *patched)
{
	for (size_t i = 0; closures->count && i < patched->count; i++) {
		struct part_identity *identity = &patched->list[i]->identity;

		if (identity->owner)
			identity->owner = renamed(closures, identity->owner);
		for (size_t k = 0; k < identity->inlined_count; k++)
			identity->inlined[k] = renamed(closures, identity->inlined[k]);
	}
}

void lambda_settle(struct closures *closures)
{
	for (size_t i = 0; i < closures->count; i++) {
		closures->list[i].key = closures->list[i].original_key;
		closures->list[i].number = closures->list[i].other;
	}
}

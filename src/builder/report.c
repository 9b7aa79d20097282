/* SPDX-License-Identifier: MIT */
/* The text report: what, where, state, next. */
#include "builder/report.h"

#include "binary/readable.h"
#include "builder/alike.h"
#include "builder/path.h"

#include "base/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Of how many units the compiler's words are shown when many do not compile. */
enum { COMPILER_OUTPUTS = 3 };

/* How many refusals of one kind are written out before the others are only named. */
enum { ALIKE_SHOWN = 3 };

static const char *paint(const struct report_style *style, const char *sequence)
{
	return style->color ? sequence : "";
}

#define RED    "\033[31;1m"
#define GREEN  "\033[32;1m"
#define YELLOW "\033[33m"
#define PLAIN  "\033[0m"

static void put(const char *text, FILE *out)
{
	cleanup_memory char *readable = readable_text(text);

	fputs(readable ? readable : text, out);
}

/* The first line of a message carries the code; the others, left out if brief, are indented. */
static void print_refusal(const struct refusal *refusal, bool brief,
			  const struct report_style *style, FILE *out)
{
	cleanup_memory char *readable = readable_text(refusal->message);
	const char *message = readable ? readable : refusal->message;
	size_t first = strcspn(message, "\n");
	const char *rest = message + first;
	bool placed = refusal->file && strstr(refusal->message, path_base(refusal->file)) != NULL;

	fprintf(out, "suture: %srefused%s: %.*s (%s)\n", paint(style, RED), paint(style, PLAIN),
		(int)first, message, suture_code_name(refusal->code));
	for (rest += *rest == '\n'; *rest && !brief;) {
		size_t length = strcspn(rest, "\n");

		fprintf(out, "%s%.*s\n", *rest == ' ' ? "" : "  ", (int)length, rest);
		rest += length + (rest[length] == '\n');
	}
	if (refusal->file && (!placed || refusal->line)) {
		if (refusal->line)
			fprintf(out, "  at %s:%u\n", refusal->file, refusal->line);
		else
			fprintf(out, "  at %s\n", refusal->file);
	}
}

/* For each refusal the first one that says the same: itself, mostly. NULL without memory. */
static size_t *find_leaders(const struct refusals *refusals)
{
	size_t *leaders = calloc(refusals->count + 1, sizeof(*leaders));

	for (size_t i = 0; leaders && i < refusals->count; i++) {
		const char *name;
		size_t length;

		leaders[i] = i;
		for (size_t j = 0; j < i && leaders[i] == i; j++)
			if (leaders[j] == j &&
			    alike(&refusals->list[j], &refusals->list[i], &name, &length))
				leaders[i] = j;
	}
	return leaders;
}

/* Those behind `shown` that say the same, by what they speak of. */
static void print_others(const struct refusals *refusals, const size_t *leaders, size_t shown,
			 FILE *out)
{
	const struct refusal *first = &refusals->list[leaders[shown]];
	struct refusal_names names = {0};

	for (size_t i = shown + 1; i < refusals->count; i++) {
		cleanup_memory char *word = NULL;
		cleanup_memory char *readable = NULL;
		const char *name;
		size_t length;

		if (leaders[i] != leaders[shown] ||
		    !alike(first, &refusals->list[i], &name, &length))
			continue;
		word = strndup(name, length);
		readable = word ? readable_text(word) : NULL;
		refusal_names_add(&names, readable ? readable : "?");
	}
	if (!names.count)
		return;
	refusal_names_finish(&names);
	fprintf(out, "  and %zu more like it: %s\n", names.count, names.text);
}

static void print_refusals(const struct build_result *result, const struct report_style *style,
			   FILE *out)
{
	const struct refusals *refusals = &result->refusals;
	cleanup_memory size_t *leaders = find_leaders(refusals);
	size_t uncompiled = 0;

	for (size_t i = 0; i < refusals->count; i++) {
		const struct refusal *refusal = &refusals->list[i];
		/* A mistake in a header is found again in every unit that includes it. */
		bool again = refusal->code == SUTURE_E_COMPILE_FAILED &&
			     uncompiled++ >= COMPILER_OUTPUTS;
		/* The same way out is told once, below the last of its kind. */
		bool last = true;
		size_t before = 0;

		for (size_t j = 0; leaders && j < i; j++)
			before += leaders[j] == leaders[i];
		if (before < ALIKE_SHOWN)
			print_refusal(refusal, again, style, out);
		if (before + 1 == ALIKE_SHOWN)
			print_others(refusals, leaders, i, out);
		for (size_t j = i + 1; j < refusals->count && last && refusal->next; j++)
			last = !refusals->list[j].next ||
			       strcmp(refusals->list[j].next, refusal->next) != 0;
		if (refusal->next && last)
			fprintf(out, "  next: %s\n", refusal->next);
	}
	fprintf(out, "  no patch was written, the source tree was not changed\n");
}

/*
 * Where the function stands. One that a library's template makes of the user's code stands in the
 * library: what was edited is the place to look at.
 */
static void print_place(const struct build_result *result, size_t index, FILE *out)
{
	const struct core_function *function = &result->core.functions[index];
	const struct build_cause *cause = result->causes ? &result->causes[index] : NULL;

	if (cause && cause->edited && function->file && *function->file == '/' &&
	    result->source_root && !path_inside(function->file, result->source_root))
		fprintf(out, "  %s:%u", path_base(cause->file), cause->line);
	else if (function->line)
		fprintf(out, "  %s:%u", function->file ? path_base(function->file) : function->unit,
			function->line);
	else
		fprintf(out, "  %s", function->unit);
}

static void print_functions(const struct build_result *result, bool several, FILE *out)
{
	const struct core_result *core = &result->core;
	int width = 0;

	for (size_t i = 0; i < core->function_count; i++) {
		cleanup_memory char *name = readable_text(core->functions[i].name);
		int length = name ? (int)strlen(name) : 0;

		if (length > width && length <= 48)
			width = length;
	}
	for (size_t i = 0; i < core->function_count; i++) {
		const struct core_function *function = &core->functions[i];

		cleanup_memory char *name = readable_text(function->name);

		fprintf(out, "  %-*s  %-7s", width, name ? name : function->name,
			core_function_kind_name(function->kind));
		print_place(result, i, out);
		fputs("  ", out);
		put(function->because ? function->because : "", out);
		fprintf(out, several ? "  in %s\n" : "\n", function->binary);
	}
}

static size_t count_kind(const struct core_result *core, bool new)
{
	size_t count = 0;

	for (size_t i = 0; i < core->function_count; i++)
		count += (core->functions[i].kind == CORE_FUNCTION_NEW) == new;
	return count;
}

static void print_targets(const struct build_result *result, FILE *out)
{
	const char *build_id = result->core.build_id;

	if (!result->target_count)
		fprintf(out, ", for %s (build-id %.16s)\n", path_base(result->binary),
			build_id[0] ? build_id : "none");
	for (size_t i = 0, told = 0; i < result->target_count; i++)
		if (result->targets[i].patched)
			fprintf(out, "%s%s (build-id %.16s)", told++ ? " and " : ", for ",
				path_base(result->targets[i].path), result->targets[i].build_id);
	if (result->target_count)
		putc('\n', out);
}

static void print_patch(const struct build_result *result, const struct report_style *style,
			FILE *out)
{
	const struct core_result *core = &result->core;
	size_t changed = count_kind(core, false), new = count_kind(core, true);

	fprintf(out, "%s%s%s: %zu function%s replaced, %zu new", paint(style, GREEN),
		result->output, paint(style, PLAIN), changed, changed == 1 ? "" : "s", new);
	print_targets(result, out);
	print_functions(result, result->target_count > 0, out);
	for (size_t i = 0; i < core->data_count; i++) {
		fputs("  ", out);
		put(core->data[i].name, out);
		fprintf(out, "  %s data, %" PRIu64 " bytes  %s\n",
			core_data_kind_name(core->data[i].kind), core->data[i].size,
			core->data[i].unit);
	}
	for (size_t i = 0; i < core->idle_count; i++) {
		fputs("  ", out);
		put(core->idle[i].name, out);
		fputs("  must be idle: ", out);
		put(core->idle[i].because, out);
		putc('\n', out);
	}
	for (size_t i = 0; i < core->hook_count; i++)
		fprintf(out, "  %s  hook %s\n", core->hooks[i].name, core->hooks[i].when);
	for (size_t i = 0; i < core->migration_count; i++)
		fprintf(out, "  %s  objects move, %" PRIu64 " -> %" PRIu64 " bytes%s\n",
			core->migrations[i].type, core->migrations[i].old_size,
			core->migrations[i].new_size,
			core->migrations[i].reverse ? "" : ", there is no way back");
	fprintf(out,
		"  verified: %zu functions equal the binary, %zu more but for the linker's "
		"relaxations\n",
		core->verified.exact, core->verified.equivalent);
	if (result->signature)
		fprintf(out, "  signed: %s\n", result->signature);
}

static void print_nothing(const struct build_result *result, FILE *out)
{
	const char *what = path_base(result->binary);

	if (result->prepared)
		fprintf(out,
			"%s%s what this tree makes: %zu functions equal, %zu more but for the "
			"linker's relaxations\n",
			result->target_count ? "the binaries" : what,
			result->target_count ? " are" : " is", result->core.verified.exact,
			result->core.verified.equivalent);
	else
		fprintf(out,
			result->unreached
				? "nothing to patch: %s is not compiled from anything that the "
				  "diff changes\n"
				: "nothing to patch: the object code of %s does not change\n",
			result->target_count ? "any of the binaries" : what);
}

void report_text(const struct build_result *result, const struct report_style *style, FILE *out,
		 FILE *complaints)
{
	for (size_t i = 0; i < result->notes.count; i++) {
		fprintf(complaints, "suture: %snote%s: ", paint(style, YELLOW),
			paint(style, PLAIN));
		put(result->notes.items[i], complaints);
		putc('\n', complaints);
	}
	switch (result->outcome) {
	case CORE_PATCH:
		print_patch(result, style, out);
		break;
	case CORE_NOTHING:
		print_nothing(result, out);
		break;
	case CORE_REFUSED:
		print_refusals(result, style, complaints);
		break;
	}
	if (style->verbose)
		fprintf(out,
			"  units: %zu affected, %zu compiled, %zu skipped, %zu cached\n"
			"  time: %" PRIu64 " ms, %" PRIu64 " compiling, %" PRIu64 " comparing\n",
			result->units.affected, result->units.compiled, result->units.skipped,
			result->units.cached, result->total_us / 1000, result->compile_us / 1000,
			result->compare_us / 1000);
}

/* Names of files and words of a command line must not write to the terminal as they like. */
static void put_message(const char *text, FILE *out)
{
	for (; *text; text++)
		fputc(((unsigned char)*text < 0x20 && *text != '\n') || *text == 0x7f ? '?' : *text,
		      out);
}

void report_error(const struct suture_error *failure, const struct report_style *style, FILE *out)
{
	fprintf(out, "suture: %serror%s: ", paint(style, RED), paint(style, PLAIN));
	put_message(failure->message, out);
	fprintf(out, " (%s)\n", suture_code_name(failure->code));
	if (failure->next[0])
		fprintf(out, "  next: %s\n", failure->next);
}

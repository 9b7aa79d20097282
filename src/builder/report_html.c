/* SPDX-License-Identifier: MIT */
/*
 * The review page: one file without scripts and without anything from elsewhere, for a screen and
 * for paper. All texts come from the user's sources and are escaped.
 */
#include "builder/report.h"

#include "binary/readable.h"
#include "builder/path.h"

#include "base/error.h"
#include "base/file.h"

#include <inttypes.h>
#include <string.h>

static const char head[] =
	"<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n"
	":root{--ink:#1c2128;--soft:#59636e;--line:#d1d9e0;--paper:#fff;--tint:#f6f8fa;\n"
	"--add:#dafbe1;--del:#ffebe9;--good:#1a7f37;--bad:#cf222e;--link:#0550ae}\n"
	"@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9198a1;--line:#3d444d;\n"
	"--paper:#0d1117;--tint:#161b22;--add:#12361f;--del:#4a1b1d;--good:#3fb950;\n"
	"--bad:#ff7b72;--link:#79c0ff}}\n"
	"@media print{:root{--ink:#000;--soft:#444;--line:#999;--paper:#fff;--tint:#fff;\n"
	"--add:#e6ffec;--del:#ffebe9;--good:#000;--bad:#000;--link:#000}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0 auto;padding:2rem 1.5rem;max-width:66rem;color:var(--ink);\n"
	"background:var(--paper);font:15px/1.5 system-ui,sans-serif}\n"
	"h1{font-size:1.5rem;margin:0 0 .25rem}\n"
	"h2{font-size:1.1rem;margin:2rem 0 .5rem;padding-bottom:.25rem;\n"
	"border-bottom:1px solid var(--line);break-after:avoid}\n"
	"p{margin:.25rem 0}a{color:var(--link)}\n"
	".verdict{font-weight:600}.patch{color:var(--good)}.refused{color:var(--bad)}\n"
	".soft{color:var(--soft)}code,pre,.mono{font:13px/1.45 ui-monospace,monospace}\n"
	"table{border-collapse:collapse;width:100%}\n"
	"th{text-align:left;font-weight:600;color:var(--soft);font-size:.85rem}\n"
	"th,td{padding:.3rem .75rem .3rem 0;border-bottom:1px solid var(--line);\n"
	"vertical-align:top;overflow-wrap:anywhere}tr{break-inside:avoid}\n"
	"th{overflow-wrap:normal}td.n,th.n{text-align:right;white-space:nowrap}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.25rem;margin:0}\n"
	"dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}\n"
	"pre{margin:.5rem 0;padding:.5rem .75rem;background:var(--tint);\n"
	"border:1px solid var(--line);border-radius:4px;overflow-x:auto;white-space:pre}\n"
	".diff{padding:0}.diff div{padding:0 .75rem;min-height:1.45em;width:max-content;\n"
	"min-width:100%}.diff .add{background:var(--add)}.diff .del{background:var(--del)}\n"
	".diff .at{color:var(--soft);background:var(--tint);break-after:avoid}\n"
	".diff .at:target{outline:2px solid var(--link);outline-offset:-2px}\n"
	".diff .file{font-weight:600}\n"
	".refusal{border-left:3px solid var(--bad);padding-left:.9rem;margin:.75rem 0}\n"
	"@media print{body{padding:0;max-width:none;font-size:10pt}\n"
	"pre{white-space:pre-wrap;overflow-wrap:anywhere}.diff div{width:auto}\n"
	".diff .add,.diff .del{print-color-adjust:exact;-webkit-print-color-adjust:exact}\n"
	"a{text-decoration:none}}\n"
	"</style>\n";

static void put_slice(FILE *out, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		switch (text[i]) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			/* Nothing that a browser would take for the end of the text. */
			if ((unsigned char)text[i] >= ' ' || text[i] == '\t' || text[i] == '\n')
				fputc(text[i], out);
		}
	}
}

static void put(FILE *out, const char *text)
{
	cleanup_memory char *readable = text ? readable_text(text) : NULL;

	if (readable)
		put_slice(out, readable, strlen(readable));
}

/* "@@ -12,7 +12,9 @@": the lines before the diff. */
static bool hunk_range(const char *line, unsigned long *start, unsigned long *count)
{
	char *end;

	if (strncmp(line, "@@ -", 4) != 0)
		return false;
	*start = strtoul(line + 4, &end, 10);
	*count = *end == ',' ? strtoul(end + 1, NULL, 10) : 1;
	return true;
}

/* What a walk over the diff's lines knows at each. */
struct diff_walk {
	const char *line;
	size_t length;
	const char *next;
	const char *file; /* as a header has it, up to a blank; NULL before the first */
	size_t file_length;
	unsigned hunk; /* from 1, over all files */
	bool header;   /* between the files' hunks */
};

static bool next_line(struct diff_walk *walk)
{
	unsigned long start, count;

	walk->line = walk->next;
	if (!walk->line || !*walk->line)
		return false;
	walk->length = strcspn(walk->line, "\n");
	walk->next = walk->line + walk->length + (walk->line[walk->length] == '\n');
	if (hunk_range(walk->line, &start, &count)) {
		walk->hunk++;
		walk->header = false;
	} else if (strncmp(walk->line, "--- ", 4) == 0 && strncmp(walk->next, "+++ ", 4) == 0) {
		walk->file = walk->line + 4;
		walk->file_length = strcspn(walk->file, "\t\r\n");
		walk->header = true;
	} else if (strncmp(walk->line, "diff ", 5) == 0 || strncmp(walk->line, "Index: ", 7) == 0) {
		walk->header = true;
	}
	return true;
}

/* Number of the hunk that holds a line of a file; 0: none. */
static unsigned find_hunk(const char *diff, const char *file, unsigned line)
{
	struct diff_walk walk = {.next = diff, .header = true};
	const char *base = path_base(file);
	size_t length = strlen(base);
	unsigned long start, count;

	while (next_line(&walk))
		if (hunk_range(walk.line, &start, &count) && walk.file &&
		    walk.file_length >= length &&
		    memcmp(walk.file + walk.file_length - length, base, length) == 0 &&
		    line >= start && line <= start + count)
			return walk.hunk;
	return 0;
}

static void put_diff(const char *diff, FILE *out)
{
	struct diff_walk walk = {.next = diff, .header = true};

	fputs("<h2>The diff</h2>\n<pre class=\"diff\">", out);
	while (next_line(&walk)) {
		const char *class = "";

		if (walk.header)
			class = strncmp(walk.line, "--- ", 4) == 0 ||
						strncmp(walk.line, "+++ ", 4) == 0
					? "file"
					: "soft";
		else if (*walk.line == '+')
			class = "add";
		else if (*walk.line == '-')
			class = "del";
		if (strncmp(walk.line, "@@ -", 4) == 0)
			fprintf(out, "<div class=\"at\" id=\"hunk-%u\"><b>hunk %u</b> ", walk.hunk,
				walk.hunk);
		else
			fprintf(out, "<div class=\"%s\">", class);
		put_slice(out, walk.line, walk.length);
		fputs("</div>", out);
	}
	fputs("</pre>\n", out);
}

static void put_place(FILE *out, const char *file, unsigned line)
{
	fputs("<code>", out);
	put(out, path_base(file));
	if (line)
		fprintf(out, ":%u", line);
	fputs("</code>", out);
}

/* Hunk → the function it lies in → the function that is replaced. */
static void put_cause(const struct build_result *result, size_t index, FILE *out)
{
	const struct core_function *function = &result->core.functions[index];
	const struct build_cause *cause = result->causes ? &result->causes[index] : NULL;
	unsigned hunk;

	if (!cause || !cause->edited) {
		put(out, function->because);
		return;
	}
	hunk = result->diff ? find_hunk(result->diff, cause->file, cause->line) : 0;
	if (hunk)
		fprintf(out, "<a href=\"#hunk-%u\">hunk %u</a>", hunk, hunk);
	else
		fputs("the diff", out);
	fputs(" at ", out);
	put_place(out, cause->file, cause->line);
	if (strcmp(cause->edited, function->name) == 0) {
		fputs(" edits it", out);
		return;
	}
	fputs(" edits <code>", out);
	put(out, cause->edited);
	fputs("</code>; ", out);
	put(out, function->because);
}

static void put_functions(const struct build_result *result, FILE *out)
{
	const struct core_result *core = &result->core;

	if (!core->function_count)
		return;
	fprintf(out, "<h2>%s</h2>\n",
		result->outcome == CORE_PATCH ? "Functions" : "Functions that would change");
	fputs("<table><thead><tr><th>function</th><th>kind</th><th>where</th><th>why</th><th "
	      "class=\"n\">bytes</th></tr></thead><tbody>\n",
	      out);
	for (size_t i = 0; i < core->function_count; i++) {
		const struct core_function *function = &core->functions[i];

		fputs("<tr><td><code>", out);
		put(out, function->name);
		fprintf(out, "</code></td><td>%s</td><td>",
			core_function_kind_name(function->kind));
		put_place(out, function->file ? function->file : function->unit, function->line);
		fputs("</td><td>", out);
		put_cause(result, i, out);
		if (function->old_size)
			fprintf(out, "</td><td class=\"n\">%" PRIu64 " → ", function->old_size);
		else
			fputs("</td><td class=\"n\">", out);
		fprintf(out, "%" PRIu64 "</td></tr>\n", function->new_size);
	}
	fputs("</tbody></table>\n", out);
}

static void put_data(const struct core_result *core, FILE *out)
{
	static const char *const meaning[] = {
		[CORE_DATUM_CONST] = "constant, replaced in place",
		[CORE_DATUM_NEW] = "new",
		[CORE_DATUM_SET] = "the running value becomes the new initial value",
		[CORE_DATUM_KEEP] = "the running value stays",
	};

	if (!core->data_count)
		return;
	fputs("<h2>Data</h2>\n<table><thead><tr><th>variable</th><th>unit</th><th>what happens</th>"
	      "<th class=\"n\">bytes</th></tr></thead><tbody>\n",
	      out);
	for (size_t i = 0; i < core->data_count; i++) {
		fputs("<tr><td><code>", out);
		put(out, core->data[i].name);
		fputs("</code></td><td><code>", out);
		put(out, core->data[i].unit);
		fprintf(out, "</code></td><td>%s</td><td class=\"n\">%" PRIu64 "</td></tr>\n",
			meaning[core->data[i].kind], core->data[i].size);
	}
	fputs("</tbody></table>\n", out);
}

static void put_migrations(const struct core_result *core, FILE *out)
{
	if (!core->migration_count)
		return;
	fputs("<h2>Objects that move</h2>\n<p>Those alive when the patch is switched in are "
	      "written anew, all or none:</p>\n<table><thead><tr><th>type</th><th>unit</th>"
	      "<th>by</th><th>on revert</th><th class=\"n\">bytes</th></tr></thead><tbody>\n",
	      out);
	for (size_t i = 0; i < core->migration_count; i++) {
		const struct core_migration *migration = &core->migrations[i];

		fputs("<tr><td><code>", out);
		put(out, migration->type);
		fputs("</code></td><td><code>", out);
		put(out, migration->unit);
		fputs("</code></td><td><code>", out);
		put(out, migration->forward);
		fputs("</code></td><td>", out);
		if (migration->reverse) {
			fputs("<code>", out);
			put(out, migration->reverse);
			fputs("</code>", out);
		} else {
			fputs("there is no way back", out);
		}
		fprintf(out, "</td><td class=\"n\">%" PRIu64 " → %" PRIu64 "</td></tr>\n",
			migration->old_size, migration->new_size);
	}
	fputs("</tbody></table>\n", out);
}

/* Everything that no thread may be inside when the switch happens. */
static void put_stack_check(const struct core_result *core, FILE *out)
{
	fputs("<h2>Stack check</h2>\n<p>No thread may be inside these when the patch is switched "
	      "in:</p>\n<table><thead><tr><th>function</th><th>because</th></tr></thead><tbody>\n",
	      out);
	for (size_t i = 0; i < core->function_count; i++) {
		if (core->functions[i].kind == CORE_FUNCTION_NEW)
			continue;
		fputs("<tr><td><code>", out);
		put(out, core->functions[i].name);
		fputs("</code></td><td>it is replaced</td></tr>\n", out);
	}
	for (size_t i = 0; i < core->idle_count; i++) {
		fputs("<tr><td><code>", out);
		put(out, core->idle[i].name);
		fputs("</code></td><td>", out);
		put(out, core->idle[i].because);
		fputs("</td></tr>\n", out);
	}
	fputs("</tbody></table>\n", out);
}

static void put_refusals(const struct refusals *refusals, FILE *out)
{
	if (!refusals->count)
		return;
	fputs("<h2>Refused because</h2>\n", out);
	for (size_t i = 0; i < refusals->count; i++) {
		const struct refusal *refusal = &refusals->list[i];
		cleanup_memory char *message = readable_text(refusal->message);
		size_t first = message ? strcspn(message, "\n") : 0;

		if (!message)
			continue;
		fputs("<div class=\"refusal\"><p><b>", out);
		put_slice(out, message, first);
		fprintf(out, "</b> <code>%s</code></p>\n", suture_code_name(refusal->code));
		if (message[first]) {
			fputs("<pre>", out);
			put(out, message + first + 1);
			fputs("</pre>\n", out);
		}
		if (refusal->file) {
			fputs("<p class=\"soft\">at <code>", out);
			put(out, refusal->file);
			if (refusal->line)
				fprintf(out, ":%u", refusal->line);
			fputs("</code></p>\n", out);
		}
		if (refusal->next) {
			fputs("<p>Next: ", out);
			put(out, refusal->next);
			fputs("</p>\n", out);
		}
		fputs("</div>\n", out);
	}
}

static void put_verification(const struct build_result *result, FILE *out)
{
	const struct core_verified *verified = &result->core.verified;

	if (!(verified->exact + verified->equivalent + verified->different + verified->absent))
		return;
	fprintf(out,
		"<h2>Verification</h2>\n<dl><dt>equal to the binary</dt><dd>%zu functions, "
		"byte for byte</dd><dt>equivalent</dt><dd>%zu functions, but for the linker's "
		"known relaxations</dd><dt>different</dt><dd>%zu functions</dd><dt>not in the "
		"binary</dt><dd>%zu functions, dropped by the linker or another unit's "
		"copy</dd>",
		verified->exact, verified->equivalent, verified->different, verified->absent);
	fprintf(out, "<dt>units</dt><dd>%zu affected, %zu of them come out the same</dd></dl>\n",
		result->units.affected, result->units.skipped);
}

static void put_build_id(const char *build_id, FILE *out)
{
	if (!build_id[0])
		return;
	fputs("<dt>build-id</dt><dd><code>", out);
	put(out, build_id);
	fputs("</code></dd>", out);
}

static void put_summary(const struct build_result *result, FILE *out)
{
	const char *const verdicts[] = {
		[CORE_PATCH] = "A patch was written",
		[CORE_NOTHING] = result->unreached
					 ? "Nothing to patch: the diff changes nothing that is "
					   "compiled into the binary"
					 : "Nothing to patch: the object code does not change",
		[CORE_REFUSED] = "Refused: no patch was written",
	};
	static const char *const classes[] = {
		[CORE_PATCH] = "patch", [CORE_NOTHING] = "soft", [CORE_REFUSED] = "refused"};

	fputs(head, out);
	fputs("<title>", out);
	put(out, result->name);
	fputs(" – live patch review</title></head><body>\n<h1>", out);
	put(out, result->name);
	fprintf(out, "</h1>\n<p class=\"verdict %s\">%s</p>\n<dl><dt>binary</dt><dd><code>",
		classes[result->outcome], verdicts[result->outcome]);
	put(out, result->binary);
	fputs("</code></dd>", out);
	put_build_id(result->core.build_id, out);
	for (size_t i = 1; i < result->target_count; i++) {
		fputs("<dt>and</dt><dd><code>", out);
		put(out, result->targets[i].path);
		fputs("</code></dd>", out);
		put_build_id(result->targets[i].build_id, out);
	}
	if (result->source_root) {
		fputs("<dt>sources</dt><dd><code>", out);
		put(out, result->source_root);
		fputs("</code></dd>", out);
	}
	if (result->outcome == CORE_PATCH) {
		fputs("<dt>patch file</dt><dd><code>", out);
		put(out, result->output);
		fputs("</code></dd>", out);
	}
	fputs("</dl>\n", out);
	for (size_t i = 0; i < result->notes.count; i++) {
		fputs("<p>Note: ", out);
		put(out, result->notes.items[i]);
		fputs("</p>\n", out);
	}
}

int report_html(const struct build_result *result, const char *path, struct suture_error *err)
{
	cleanup_memory char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool patched = result->outcome == CORE_PATCH;

	if (!out)
		return error_no_memory(err);
	put_summary(result, out);
	put_refusals(&result->refusals, out);
	put_functions(result, out);
	put_data(&result->core, out);
	put_migrations(&result->core, out);
	if (patched)
		put_stack_check(&result->core, out);
	put_verification(result, out);
	if (result->diff)
		put_diff(result->diff, out);
	fputs("</body></html>\n", out);
	if (fclose(out))
		return error_no_memory(err);
	return file_replace(path, text, size, 0644, err);
}

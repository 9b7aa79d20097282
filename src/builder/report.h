/* SPDX-License-Identifier: MIT */
/* A build's result for people and for scripts: the text of the terminal, the JSON document. */
#ifndef BUILDER_REPORT_H
#define BUILDER_REPORT_H

#include "builder/build.h"

#include <suture/error.h>

#include <stdbool.h>
#include <stdio.h>

struct report_style {
	bool color;
	bool verbose; /* also what is new only for reports: data, idle functions, timing */
};

/* The result to out; refusals and notes to complaints. */
void report_text(const struct build_result *result, const struct report_style *style, FILE *out,
		 FILE *complaints);

/* One document as CLI.md describes it, with a newline. */
int report_json(const struct build_result *result, FILE *out, struct suture_error *err);

/* The page for the change review, self-contained; the file is replaced. */
int report_html(const struct build_result *result, const char *path, struct suture_error *err);

/* {"error": …} for trouble without a verdict. */
int report_json_error(const struct suture_error *failure, FILE *out, struct suture_error *err);

/* "suture: refused: MESSAGE (CODE)" with its state and next step. */
void report_error(const struct suture_error *failure, const struct report_style *style, FILE *out);

#endif

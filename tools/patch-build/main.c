/* SPDX-License-Identifier: MIT */
/*
 * suture-build: a diff, a built tree and the exact binary in, a patch and a verdict out. A signal
 * ends the compilers and removes the temporary folder before the program ends by it.
 */
#include "live.h"
#include "options.h"
#include "sign.h"

#include "builder/process.h"
#include "builder/report.h"
#include "builder/sources.h"

#include "base/error.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t ended_by;

static void end(int signal)
{
	ended_by = signal;
	process_cancel();
}

static void catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct sigaction action = {.sa_handler = end};

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
		struct sigaction old;

		/* Under nohup SIGHUP stays ignored. */
		if (!sigaction(signals[i], NULL, &old) && old.sa_handler != SIG_IGN)
			sigaction(signals[i], &action, NULL);
	}
}

/* One line per compilation; on a terminal they overwrite each other. */
static void show_progress(const char *what, const char *unit, size_t done, size_t total,
			  void *context)
{
	const bool *redraw = context;

	if (*redraw)
		fprintf(stderr, "\r\033[K[%zu/%zu] %s (%s)%s", done, total, unit, what,
			done == total ? "\r\033[K" : "");
	else
		fprintf(stderr, "[%zu/%zu] %s (%s)\n", done, total, unit, what);
}

static int report(const struct options *options, const struct build_result *result, int rc,
		  const struct suture_error *failure)
{
	struct report_style style = {.color = options->color, .verbose = options->verbose};
	static const int exit_codes[] = {[CORE_PATCH] = 0, [CORE_NOTHING] = 10, [CORE_REFUSED] = 4};
	struct suture_error trouble = {0};
	int reported = 0;

	if (rc) {
		report_error(failure, &style, stderr);
		if (options->json)
			reported = report_json_error(failure, stdout, &trouble);
		rc = suture_code_exit(failure->code);
	} else {
		if (options->json)
			reported = report_json(result, stdout, &trouble);
		/* The complaints are for people also when a script reads the document. */
		if (options->json)
			report_text(result, &style, stderr, stderr);
		else
			report_text(result, &style, stdout, stderr);
		if (options->report && !reported)
			reported = report_html(result, options->report, &trouble);
		rc = result->prepared && result->outcome == CORE_NOTHING
			     ? 0
			     : exit_codes[result->outcome];
		if (!reported && !options->json && (fflush(stdout) || ferror(stdout)))
			reported = error_set(&trouble, SUTURE_E_IO, "can't write the report");
	}
	if (reported) {
		report_error(&trouble, &style, stderr);
		return 1;
	}
	/* Of the codes only these are build's. */
	return rc == 0 || rc == 2 || rc == 4 || rc == 10 ? rc : 1;
}

/* One a line. */
static int list_files(const struct options *options)
{
	struct report_style style = {.color = options->color};
	struct suture_error failure = {0};
	struct strings files = {0};
	int rc = sources_list(&options->build, &files, &failure);

	for (size_t i = 0; !rc && i < files.count; i++)
		puts(files.items[i]);
	strings_fini(&files);
	if (rc)
		report_error(&failure, &style, stderr);
	return rc ? suture_code_exit(failure.code) : fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	bool redraw = isatty(STDERR_FILENO);
	struct suture_error failure = {0};
	struct build_result result = {0};
	struct secret_key key = {0};
	struct options options;
	int rc = options_read(&options, argc, argv, &failure);
	int code = 1;

	if (!rc && options.list_files) {
		code = list_files(&options);
		options_fini(&options);
		return code;
	}
	/* A wrong password is told before the work. */
	if (!rc && options.sign)
		rc = sign_open(options.sign, &key, &failure);
	if (!rc) {
		catch_signals();
		options.build.progress = options.quiet ? NULL : show_progress;
		options.build.context = &redraw;
		rc = build_run(&options.build, &result, &failure);
	}
	if (!rc && !ended_by && options.sign && result.outcome == CORE_PATCH) {
		rc = sign_patch(&key, result.output, &result.signature, &failure);
		/* Who asked for a signature must not find a patch without one. */
		if (rc)
			unlink(result.output);
	}
	if (!rc && !ended_by && options.pid && result.outcome == CORE_PATCH)
		rc = live_look(options.pid, result.output, &result.notes, &failure);
	secret_forget(&key);
	if (!ended_by)
		code = report(&options, &result, rc, &failure);
	build_result_fini(&result);
	options_fini(&options);
	if (ended_by) {
		signal(ended_by, SIG_DFL);
		raise(ended_by);
	}
	return code;
}

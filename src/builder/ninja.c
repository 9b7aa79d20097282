/* SPDX-License-Identifier: MIT */
/* By `ninja -t query`, from the binary on; see ninja.h. */
#include "builder/ninja.h"

#include "builder/path.h"
#include "builder/process.h"

#include "base/error.h"
#include "base/file.h"

#include <string.h>

enum { TEXT_MAX = 1 << 28 };

struct walk {
	const char *build_dir;
	const char *work_dir;
	struct strings *objects;
	struct strings compiled; /* outputs of the commands, sorted */
	struct strings asked;	 /* names as ninja spells them, of which the inputs are known */
	struct strings open;	 /* archives, and objects that no command of the list makes */
	struct strings others;	 /* any other input: a copy's or a stripped file's original */
	bool any;		 /* a compiled object was among them */
};

static void list_compiled(struct walk *walk, const struct compdb *db)
{
	for (size_t i = 0; i < db->count; i++)
		if (db->entries[i].output)
			strings_take(&walk->compiled, path_real("/", db->entries[i].output));
	strings_sort(&walk->compiled);
}

static bool ends_with(const char *name, const char *suffix)
{
	const char *dot = strrchr(name, '.');

	return dot && strcmp(dot, suffix) == 0;
}

static void add_input(struct walk *walk, const char *name)
{
	cleanup_memory char *real = path_real(walk->build_dir, name);
	bool compiled = real && strings_contain_sorted(&walk->compiled, real);

	walk->any |= compiled;
	if (real)
		strings_add(walk->objects, real);
	if (!compiled && (ends_with(name, ".a") || ends_with(name, ".o")))
		strings_add_once(&walk->open, name);
	else if (!compiled)
		strings_add_once(&walk->others, name);
}

/*
 * server:
 *   input: LINK
 *     main.o
 *     | libgame.a
 *     || generated.h      (what only has to be there before)
 *   outputs:
 *     all
 */
static void read_answer(struct walk *walk, char *text)
{
	bool inputs = false;
	char *rest, *line;

	for (rest = text; (line = strsep(&rest, "\n"));) {
		if (strncmp(line, "    ", 4) != 0)
			inputs = strncmp(line, "  input:", 8) == 0;
		else if (inputs && strncmp(line + 4, "|| ", 3) != 0)
			add_input(walk, line + (strncmp(line + 4, "| ", 2) == 0 ? 6 : 4));
	}
}

static int ask(struct walk *walk, const struct strings *names, struct suture_error *err)
{
	cleanup_memory char *out = path_join(walk->work_dir, "ninja-query");
	cleanup_memory uint8_t *data = NULL;
	cleanup_memory char *text = NULL;
	struct strings argv = {0};
	struct process_job job = {.argv = &argv, .directory = walk->build_dir, .out_path = out};
	size_t size;
	int rc;

	strings_add(&argv, "ninja");
	strings_add(&argv, "-t");
	strings_add(&argv, "query");
	strings_add_all(&argv, names);
	strings_add_all(&walk->asked, names);
	rc = out && strings_ok(&argv) ? process_run(&job, 1, 1, NULL, NULL, err)
				      : error_no_memory(err);
	strings_fini(&argv);
	if (rc || !process_succeeded(&job) || file_read(out, TEXT_MAX, &data, &size, NULL))
		return rc;
	text = strndup((char *)data, size);
	if (!text)
		return error_no_memory(err);
	read_answer(walk, text);
	return 0;
}

static void take_unasked(const struct walk *walk, struct strings *from, struct strings *to)
{
	for (size_t i = 0; i < from->count; i++)
		if (!strings_contain(&walk->asked, from->items[i]))
			strings_add(to, from->items[i]);
	strings_fini(from);
	*from = (struct strings){0};
}

static int walk_from(struct walk *walk, const char *target, struct suture_error *err)
{
	struct strings names = {0};
	int rc = 0;

	strings_add(&names, target);
	while (!rc && names.count) {
		rc = ask(walk, &names, err);
		strings_fini(&names);
		names = (struct strings){0};
		take_unasked(walk, &walk->open, &names);
		if (!names.count && !walk->any)
			take_unasked(walk, &walk->others, &names);
		if (!strings_ok(&names))
			rc = error_no_memory(err);
	}
	strings_fini(&names);
	return rc;
}

int ninja_linked(const char *binary, const char *build_dir, const char *work_dir,
		 const struct compdb *db, struct strings *objects, struct suture_error *err)
{
	cleanup_memory char *rules = path_join(build_dir, "build.ninja");
	cleanup_memory char *real_binary = realpath(binary, NULL);
	cleanup_memory char *real_build = realpath(build_dir, NULL);
	struct walk walk = {.build_dir = build_dir, .work_dir = work_dir, .objects = objects};
	int rc;

	if (!rules)
		return error_no_memory(err);
	if (!path_exists(rules) || !real_binary || !real_build ||
	    !path_inside(real_binary, real_build))
		return 0;
	list_compiled(&walk, db);
	rc = walk_from(&walk, real_binary + strlen(real_build) + 1, err);
	if (!rc && !(strings_ok(&walk.compiled) && strings_ok(&walk.asked) &&
		     strings_ok(&walk.open) && strings_ok(&walk.others)))
		rc = error_no_memory(err);
	strings_fini(&walk.compiled);
	strings_fini(&walk.asked);
	strings_fini(&walk.open);
	strings_fini(&walk.others);
	return rc;
}

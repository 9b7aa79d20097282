/* SPDX-License-Identifier: MIT */
/*
 * compile_commands.json; see compdb.h. The file comes from the user's build, yet may be damaged:
 * each member's type is checked before use, and nothing is run here.
 */
#include "builder/compdb.h"

#include "builder/compdb_headers.h"
#include "builder/path.h"

#include "base/error.h"
#include "base/file.h"

#include <json-c/json.h>
#include <limits.h>
#include <string.h>

enum { COMPDB_SIZE_MAX = 1 << 29 };

static void entry_fini(struct compdb_entry *entry)
{
	free(entry->directory);
	free(entry->file);
	free(entry->output);
	strings_fini(&entry->argv);
}

void compdb_fini(struct compdb *db)
{
	for (size_t i = 0; i < db->count; i++)
		entry_fini(&db->entries[i]);
	free(db->entries);
	free(db->path);
	*db = (struct compdb){0};
}

/* A member that is a string without NUL bytes, or NULL. */
static const char *member_text(json_object *object, const char *key)
{
	json_object *member = NULL;
	const char *text;

	if (!json_object_object_get_ex(object, key, &member) ||
	    !json_object_is_type(member, json_type_string))
		return NULL;
	text = json_object_get_string(member);
	return strlen(text) == (size_t)json_object_get_string_len(member) ? text : NULL;
}

static int entry_argv(json_object *object, struct strings *argv, struct suture_error *err)
{
	const char *command = member_text(object, "command");
	json_object *arguments = NULL;

	/* Both may be there: "arguments" needs no splitting. */
	if (json_object_object_get_ex(object, "arguments", &arguments) &&
	    json_object_is_type(arguments, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(arguments); i++) {
			json_object *item = json_object_array_get_idx(arguments, i);

			if (!json_object_is_type(item, json_type_string))
				return error_set(err, SUTURE_E_BAD_INPUT,
						 "\"arguments\" holds something else than strings");
			strings_add(argv, json_object_get_string(item));
		}
	} else if (!command) {
		return error_set(err, SUTURE_E_BAD_INPUT, "neither \"command\" nor \"arguments\"");
	} else if (!strings_split(argv, command, false)) {
		return error_set(err, SUTURE_E_BAD_INPUT, "a quote in \"command\" does not end");
	}
	if (!strings_ok(argv))
		return error_no_memory(err);
	if (argv->count == 0 || !argv->items[0][0])
		return error_set(err, SUTURE_E_BAD_INPUT, "the command is empty");
	return 0;
}

/* The object file: "output", else -o; bear leaves both out for plain `cc -c x.c`, which makes x.o.
 */
static char *entry_output(const struct compdb_entry *entry, const char *output)
{
	bool compiles = false;
	cleanup_memory char *object = NULL;
	const char *base, *dot;

	if (output)
		return path_absolute(entry->directory, output);
	for (size_t i = 1; i < entry->argv.count; i++) {
		const char *arg = entry->argv.items[i];

		if (strcmp(arg, "-o") == 0 && i + 1 < entry->argv.count)
			return path_absolute(entry->directory, entry->argv.items[i + 1]);
		if (strncmp(arg, "-o", 2) == 0 && arg[2] && strncmp(arg, "-objc", 5) != 0)
			return path_absolute(entry->directory, arg + 2);
		compiles |= strcmp(arg, "-c") == 0;
	}
	base = path_base(entry->file);
	dot = strrchr(base, '.');
	if (!compiles || !dot || asprintf(&object, "%.*s.o", (int)(dot - base), base) < 0)
		return NULL;
	return path_absolute(entry->directory, object);
}

static int entry_read(json_object *object, const char *build_dir, struct compdb_entry *entry,
		      struct suture_error *err)
{
	const char *directory, *file;
	int rc;

	if (!json_object_is_type(object, json_type_object))
		return error_set(err, SUTURE_E_BAD_INPUT, "not an object");
	directory = member_text(object, "directory");
	file = member_text(object, "file");
	if (!file || !*file)
		return error_set(err, SUTURE_E_BAD_INPUT, "no \"file\"");
	rc = entry_argv(object, &entry->argv, err);
	if (rc)
		return rc;
	entry->directory = path_absolute(build_dir, directory ? directory : ".");
	entry->file = entry->directory ? path_absolute(entry->directory, file) : NULL;
	if (!entry->file)
		return error_no_memory(err);
	entry->output = entry_output(entry, member_text(object, "output"));
	return 0;
}

static bool entry_known(const struct compdb *db, const struct compdb_entry *entry)
{
	for (size_t i = db->count; i-- > 0;) {
		const struct compdb_entry *other = &db->entries[i];
		size_t same = 0;

		if (strcmp(other->file, entry->file) != 0 ||
		    strcmp(other->directory, entry->directory) != 0 ||
		    other->argv.count != entry->argv.count)
			continue;
		while (same < entry->argv.count &&
		       strcmp(other->argv.items[same], entry->argv.items[same]) == 0)
			same++;
		if (same == entry->argv.count)
			return true;
	}
	return false;
}

static int read_entries(json_object *root, const char *build_dir, struct compdb *db,
			struct suture_error *err)
{
	size_t count;

	if (!json_object_is_type(root, json_type_array))
		return error_set(err, SUTURE_E_BAD_INPUT, "not an array of commands");
	count = json_object_array_length(root);
	db->entries = calloc(count ? count : 1, sizeof(*db->entries));
	if (!db->entries)
		return error_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		struct compdb_entry *entry = &db->entries[db->count];
		int rc = entry_read(json_object_array_get_idx(root, i), build_dir, entry, err);

		if (rc) {
			entry_fini(entry);
			error_context(err, "entry %zu", i);
			return rc;
		}
		if (entry_known(db, entry)) {
			entry_fini(entry);
			*entry = (struct compdb_entry){0};
		} else {
			db->count++;
		}
	}
	return 0;
}

int compdb_parse(const char *text, size_t size, const char *build_dir, struct compdb *db,
		 struct suture_error *err)
{
	json_tokener *tokener;
	json_object *root;
	int rc;

	if (size > INT_MAX)
		return error_set(err, SUTURE_E_BAD_INPUT, "too large");
	tokener = json_tokener_new();
	if (!tokener)
		return error_no_memory(err);
	root = json_tokener_parse_ex(tokener, text, (int)size);
	if (!root)
		rc = error_set(err, SUTURE_E_BAD_INPUT, "not JSON: %s",
			       json_tokener_error_desc(json_tokener_get_error(tokener)));
	else
		rc = read_entries(root, build_dir, db, err);
	if (!rc)
		compdb_name_headers(db);
	json_object_put(root);
	json_tokener_free(tokener);
	return rc;
}

int compdb_read(const char *build_dir, struct compdb *db, struct suture_error *err)
{
	cleanup_memory uint8_t *text = NULL;
	size_t size;
	int rc;

	if (asprintf(&db->path, "%s/compile_commands.json", build_dir) < 0) {
		db->path = NULL;
		return error_no_memory(err);
	}
	rc = file_read(db->path, COMPDB_SIZE_MAX, &text, &size, err);
	if (rc) {
		error_next(err, "export it: cmake -DCMAKE_EXPORT_COMPILE_COMMANDS=ON, `ninja -t "
				"compdb`, or `bear -- make` from a clean tree");
		return rc;
	}
	rc = compdb_parse((const char *)text, size, build_dir, db, err);
	if (!rc && db->count == 0)
		rc = error_set(err, SUTURE_E_BAD_INPUT, "no commands in it");
	if (rc)
		error_context(err, "%s", db->path);
	return rc;
}

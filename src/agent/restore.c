/* SPDX-License-Identifier: MIT */
/* Installed patches at a start or on request; see restore.h. Runs on the worker. */
#include "agent/restore.h"

#include "agent/admit.h"
#include "agent/probation.h"
#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"
#include "patch/installed.h"
#include "rpc/error.h"
#include "rpc/json.h"
#include "trust/minisign.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* One run: what is kept, and what came of it. */
struct restore {
	struct agent *agent;
	const struct transaction_options *options;
	const struct event_actor *who;
	struct installed_list list;
	int root;
	struct json_object *patches; /* owned; of the answer */
	bool changed;
	struct suture_error first; /* of those that failed */
};

/*
 * What is kept for each loaded module, all in one order. known: notes their builds, and only_new:
 * leaves out those that it knew; NULL: nobody does.
 */
static int find_installed(int root, struct builds *known, bool only_new,
			  struct installed_list *list, struct suture_error *err)
{
	struct image image;
	int rc = image_take(&image, err);

	if (rc)
		return rc;
	for (size_t i = 0; i < image.count && !rc; i++) {
		const struct image_module *module = &image.modules[i];
		char build_id[INSTALLED_ID_TEXT];
		bool is_new;

		installed_id_text(module->build_id, module->build_id_size, build_id);
		is_new = known && build_id[0] && builds_note(known, build_id);
		if (build_id[0] && (is_new || !only_new))
			rc = installed_read(root, build_id, list, err);
	}
	image_fini(&image);
	return rc;
}

/* Whoever loads it may be another program: nothing is said of a file that can't be read. */
static bool is_for_library(int root, const struct installed_patch *patch)
{
	cleanup_fd int fd = -1;
	struct patch_file file;
	bool library;

	if (installed_open(root, patch, &fd, NULL) < 0 ||
	    patch_file_read_fd(fd, patch->name, &file, NULL) < 0)
		return false;
	library = !(file.modules.records[0].flags & FORMAT_MODULE_EXECUTABLE);
	patch_file_fini(&file);
	return library;
}

/* Is anything kept for a library, of which this process may load that build yet? */
static bool may_come_late(int root)
{
	struct installed_list list = {0};
	bool may = false;

	if (installed_read(root, NULL, &list, NULL) == 0)
		for (size_t i = 0; i < list.count && !may; i++)
			may = is_for_library(root, &list.items[i]);
	installed_fini(&list);
	return may;
}

bool restore_is_due(void)
{
	struct installed_list list = {0};
	struct suture_error err;
	int root, rc = installed_root(&root, &err);
	bool due;

	if (rc)
		return rc != -(int)SUTURE_E_IO; /* not to be trusted: that is to be said */
	rc = find_installed(root, NULL, false, &list, &err);
	due = rc || list.count || may_come_late(root);
	installed_fini(&list);
	close(root);
	return due;
}

/* hash: text, "" while the file could not be read. */
static void tell(struct restore *restore, const struct installed_patch *patch, const char *hash,
		 const char *result, const struct suture_error *err)
{
	struct json_object *one = json_object_new_object();

	rpc_json_add(one, "name", rpc_json_string(patch->name));
	rpc_json_add(one, "hash", json_object_new_string(hash));
	rpc_json_add(one, "result", json_object_new_string(result));
	events_add(&restore->agent->events,
		   &(struct event_note){.what = "restore",
					.who = restore->who,
					.name = patch->name,
					.hash = hash,
					.err = err,
					.unchanged = !err && strcmp(result, "already") == 0});
	if (err) {
		rpc_json_add(one, "error", rpc_error_document(err));
		log_error("installed patch %s: %s", patch->name, err->message);
		if (restore->first.code == SUTURE_OK)
			restore->first = *err;
	}
	rpc_json_append(restore->patches, one);
}

static int set_aside(const struct installed_patch *patch, struct suture_error *err)
{
	error_set(err, SUTURE_E_SET_ASIDE,
		  "%s: %s crashed twice within %d s of being started with it", patch->name,
		  program_invocation_short_name, PROBATION_SECONDS);
	return error_next(err, "see why, then 'suture install' it again, or 'suture uninstall %s'",
			  patch->name);
}

static int apply_admitted(struct restore *restore, const struct installed_patch *patch,
			  struct patch_file *file, struct suture_error *err)
{
	struct transaction_result result = {0};
	uint8_t hash[FORMAT_HASH_SIZE];
	char text[HASH_TEXT_SIZE];
	const struct patch *known = agent_find_hash(restore->agent, file->hash);
	int rc;

	memcpy(hash, file->hash, sizeof(hash));
	hash_text(hash, text);
	if (known && known->state == PATCH_APPLIED) {
		patch_file_fini(file);
		tell(restore, patch, text, "already", NULL);
		return 0;
	}
	if (!probation_admit(hash)) {
		patch_file_fini(file);
		set_aside(patch, err);
		tell(restore, patch, text, "set aside", err);
		return 0;
	}
	atomic_store(&restore->agent->changing, true);
	rc = transaction_apply(restore->agent, file, restore->options, &result, err);
	atomic_store(&restore->agent->changing, false);
	/* One that waits for nothing will be in force in a moment. */
	if (rc || (result.pending && result.waits[0]))
		probation_release(hash);
	if (!rc) {
		restore->changed |= result.changed;
		tell(restore, patch, text, result.pending ? "pending" : "applied", NULL);
	}
	transaction_result_fini(&result);
	return rc;
}

/* The text of the signature that was installed with it. NULL: none, or none that can be trusted. */
static char *read_signature(const struct restore *restore, const struct installed_patch *patch)
{
	cleanup_memory uint8_t *data = NULL;
	cleanup_fd int fd = -1;
	size_t size;

	if (installed_open_signature(restore->root, patch, &fd, NULL) < 0 ||
	    file_read_fd(fd, MINISIGN_TEXT_LIMIT, patch->name, &data, &size, NULL) < 0)
		return NULL;
	return strndup((const char *)data, size);
}

static void apply_one(struct restore *restore, const struct installed_patch *patch)
{
	cleanup_memory char *signature = read_signature(restore, patch);
	cleanup_fd int fd = -1;
	struct suture_error err;
	struct patch_file file;
	int rc = installed_open(restore->root, patch, &fd, &err);

	if (!rc)
		rc = admit_patch(fd, signature, patch->name, &file, &err);
	if (!rc)
		rc = apply_admitted(restore, patch, &file, &err);
	if (rc)
		tell(restore, patch, "", "refused", &err);
}

static struct json_object *finish(struct restore *restore)
{
	struct json_object *answer = json_object_new_object();

	rpc_json_add(answer, "result", json_object_new_string("restored"));
	rpc_json_add(answer, "changed", json_object_new_boolean(restore->changed));
	rpc_json_add(answer, "pid", json_object_new_int(getpid()));
	rpc_json_add(answer, "patches", restore->patches);
	return answer;
}

/* status and list show the last run for as long as the process lives. */
static void keep(struct agent *agent, struct json_object *patches)
{
	struct json_object *copy = NULL;

	if (json_object_deep_copy(patches, &copy, NULL) < 0)
		return;
	pthread_mutex_lock(&agent->lock);
	json_object_put(agent->restored);
	agent->restored = copy;
	pthread_mutex_unlock(&agent->lock);
}

int restore_run(struct agent *agent, const struct transaction_options *options,
		const struct event_actor *who, struct json_object **answer,
		struct suture_error *err)
{
	struct restore restore = {.agent = agent, .options = options, .who = who, .root = -1};
	uint64_t generation = modules_generation();
	int rc = installed_root(&restore.root, err);

	if (rc == -(int)SUTURE_E_IO && errno == ENOENT)
		rc = 0; /* nothing was ever installed */
	else if (!rc)
		rc = find_installed(restore.root, &agent->builds, false, &restore.list, err);
	if (rc)
		log_error("installed patches: %s", err->message);
	/* Not where the builds of now could not be noted: they would seem to come later. */
	agent->builds.wanted = !rc && restore.root >= 0;
	agent->builds.generation = generation;
	if (agent->builds.wanted && may_come_late(restore.root))
		modules_watch(agent);
	restore.patches = json_object_new_array();
	for (size_t i = 0; !rc && i < restore.list.count; i++)
		apply_one(&restore, &restore.list.items[i]);
	probation_begin();
	if (!rc && restore.first.code != SUTURE_OK) {
		*err = restore.first;
		rc = -(int)err->code;
	}
	if (json_object_array_length(restore.patches))
		keep(agent, restore.patches);
	*answer = finish(&restore);
	installed_fini(&restore.list);
	if (restore.root >= 0)
		close(restore.root);
	return rc;
}

/* What came of those that came late is shown with what came of the others. */
static void keep_too(struct agent *agent, struct json_object *patches)
{
	size_t count = json_object_array_length(patches);

	pthread_mutex_lock(&agent->lock);
	if (!agent->restored)
		agent->restored = json_object_new_array();
	for (size_t i = 0; i < count; i++)
		rpc_json_append(agent->restored,
				json_object_get(json_object_array_get_idx(patches, i)));
	pthread_mutex_unlock(&agent->lock);
}

void restore_look(struct agent *agent)
{
	const struct transaction_options options = {.kept = true};
	struct restore restore = {.agent = agent, .options = &options, .root = -1};
	uint64_t generation = modules_generation();
	struct suture_error err;

	if (!agent->builds.wanted || agent->builds.generation == generation)
		return;
	agent->builds.generation = generation;
	if (installed_root(&restore.root, &err) < 0)
		return;
	restore.patches = json_object_new_array();
	if (find_installed(restore.root, &agent->builds, true, &restore.list, &err) < 0)
		log_error("installed patches: %s", err.message);
	for (size_t i = 0; i < restore.list.count; i++)
		apply_one(&restore, &restore.list.items[i]);
	if (restore.list.count) {
		probation_begin();
		keep_too(agent, restore.patches);
	}
	json_object_put(restore.patches);
	installed_fini(&restore.list);
	close(restore.root);
}

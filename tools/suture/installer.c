/* SPDX-License-Identifier: MIT */
/* See installer.h. */
#include "cli/installer.h"

#include "base/error.h"
#include "base/file.h"
#include "base/trusted.h"
#include "patch/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

static int not_permitted(int number, const char *path, struct suture_error *err)
{
	if (number != EACCES && number != EPERM && number != EROFS) {
		error_errno(err, SUTURE_E_IO, number, "%s", path);
		return error_next(err, "SUTURE_DIR names the folder that installed patches are in");
	}
	error_errno(err, SUTURE_E_PERMISSION, number, "%s", path);
	return error_next(err, "run suture as root, or name another folder with SUTURE_DIR");
}

static int make_folder(const char *path, struct suture_error *err)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return not_permitted(errno, path, err);
	return 0;
}

static int make_folders(struct suture_error *err)
{
	char path[4096];
	int rc = make_folder(installed_dir(), err);

	snprintf(path, sizeof(path), "%s/installed", installed_dir());
	if (!rc)
		rc = make_folder(path, err);
	if (!rc)
		trial_prepare();
	return rc;
}

static int open_root(int *root, bool make, struct suture_error *err)
{
	int rc = installed_dir()[0] == '/'
			 ? 0
			 : error_set(err, SUTURE_E_USAGE, "SUTURE_DIR is not an absolute path");

	if (!rc && make)
		rc = make_folders(err);
	if (!rc)
		rc = installed_root(root, err);
	if (rc == -(int)SUTURE_E_IO && !make && errno == ENOENT) {
		*root = -1;
		return 0;
	}
	if (rc == -(int)SUTURE_E_IO && errno == EACCES)
		return not_permitted(errno, installed_dir(), err);
	return rc;
}

/* A file that others can't open, so that they can't hold it either. Nobody holds it for long. */
static int lock(int root, int *held, struct suture_error *err)
{
	int fd = openat(root, ".lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int rc;

	if (fd < 0)
		return not_permitted(errno, installed_dir(), err);
	if (flock(fd, LOCK_EX) == 0) {
		*held = fd;
		return 0;
	}
	rc = error_errno(err, SUTURE_E_IO, errno, "%s", installed_dir());
	close(fd);
	return rc;
}

static int read_file(int root, const struct installed_patch *patch, struct patch_file *file,
		     struct suture_error *err)
{
	cleanup_fd int fd = -1;
	int rc = installed_open(root, patch, &fd, err);

	return rc ? rc : patch_file_read_fd(fd, patch->name, file, err);
}

static void fill_entry(int root, const struct installed_patch *patch, struct installer_entry *entry)
{
	struct patch_file file;

	entry->patch = *patch;
	if (read_file(root, patch, &file, NULL)) {
		entry->damaged = true;
		return;
	}
	memcpy(entry->hash, file.hash, sizeof(entry->hash));
	entry->crashes = trial_crashes(entry->hash);
	patch_file_fini(&file);
}

int installer_open(struct installer *installer, enum installer_use use, struct suture_error *err)
{
	struct installed_list list = {0};
	int rc;

	*installer = (struct installer){.root = -1, .held = -1};
	rc = open_root(&installer->root, use == INSTALLER_ADD, err);
	if (!rc && use != INSTALLER_LOOK && installer->root >= 0)
		rc = lock(installer->root, &installer->held, err);
	if (!rc && installer->root >= 0)
		rc = installed_read(installer->root, NULL, &list, err);
	installer->entries = calloc(list.count + 1, sizeof(*installer->entries));
	if (!rc && !installer->entries)
		rc = error_no_memory(err);
	for (size_t i = 0; !rc && i < list.count; i++)
		fill_entry(installer->root, &list.items[i],
			   &installer->entries[installer->count++]);
	installed_fini(&list);
	if (rc)
		installer_close(installer);
	return rc;
}

void installer_close(struct installer *installer)
{
	if (installer->held >= 0)
		close(installer->held);
	if (installer->root >= 0)
		close(installer->root);
	free(installer->entries);
	*installer = (struct installer){.root = -1, .held = -1};
}

/* Is one with that hash there for the build? */
static bool has(const struct installer *installer, const char *build_id,
		const uint8_t hash[HASH_SIZE])
{
	for (size_t i = 0; i < installer->count; i++)
		if (strcmp(installer->entries[i].patch.build_id, build_id) == 0 &&
		    memcmp(installer->entries[i].hash, hash, HASH_SIZE) == 0)
			return true;
	return false;
}

static int check_depends(const struct installer *installer, const struct patch_file *file,
			 const char *build_id, struct suture_error *err)
{
	for (size_t i = 0; i < file->depends.count; i++) {
		const struct format_depend *depend = &file->depends.records[i];
		const char *name = patch_file_string(file, depend->name_ref);

		if (has(installer, build_id, depend->hash))
			continue;
		error_set(err, SUTURE_E_DEPENDENCY,
			  "%s is built on %s, which is not installed in that version", file->name,
			  name);
		return error_next(err, "install %s first", name);
	}
	return 0;
}

/* Nobody may be left without what it is built on. */
static int check_dependents(const struct installer *installer, const struct installer_entry *entry,
			    struct suture_error *err)
{
	for (size_t i = 0; i < installer->count; i++) {
		const struct installer_entry *other = &installer->entries[i];
		struct patch_file file;
		bool depends = false;

		if (other == entry || other->damaged ||
		    strcmp(other->patch.build_id, entry->patch.build_id) != 0 ||
		    read_file(installer->root, &other->patch, &file, NULL))
			continue;
		for (size_t k = 0; k < file.depends.count; k++)
			depends |=
				memcmp(file.depends.records[k].hash, entry->hash, HASH_SIZE) == 0;
		patch_file_fini(&file);
		if (!depends)
			continue;
		error_set(err, SUTURE_E_DEPENDENCY, "%s is built on %s", other->patch.name,
			  entry->patch.name);
		return error_next(err, "suture uninstall %s first", other->patch.name);
	}
	return 0;
}

static unsigned next_order(const struct installer *installer)
{
	return installer->count ? installer->entries[installer->count - 1].patch.order + 1 : 1;
}

/* Beside the patch; one of an earlier file of that name must not stay. */
static int write_signature(const char *path, const char *signature, struct suture_error *err)
{
	char beside[4200];

	snprintf(beside, sizeof(beside), "%s.minisig", path);
	if (signature)
		return file_replace(beside, signature, strlen(signature), 0644, err);
	unlink(beside);
	return 0;
}

static int write_file(const struct patch_file *file, const char *signature,
		      struct installer_result *result, struct suture_error *err)
{
	char name[INSTALLED_FILE_NAME], folder[3900];
	cleanup_fd int within = -1;
	int rc;

	snprintf(folder, sizeof(folder), "%s/installed/%s", installed_dir(),
		 result->patch.build_id);
	installed_file_name(&result->patch, name);
	snprintf(result->path, sizeof(result->path), "%s/%s", folder, name);
	rc = make_folder(folder, err);
	if (!rc)
		rc = trusted_folder(folder, &within, err);
	if (!rc)
		rc = write_signature(result->path, signature, err);
	if (!rc)
		rc = file_replace(result->path, file->bytes, file->size, 0644, err);
	/* The name too must outlive a loss of power. */
	if (!rc && fsync(within) < 0)
		rc = error_errno(err, SUTURE_E_IO, errno, "%s", folder);
	return rc;
}

int installer_add(struct installer *installer, const struct patch_file *file, const char *signature,
		  bool replace, struct installer_result *result, struct suture_error *err)
{
	const struct format_module *module = file->modules.records;
	struct installer_result added = {.patch.order = next_order(installer), .changed = true};
	const struct installer_entry *there = NULL;
	int rc;

	if (file->modules.count == 0)
		return error_set(err, SUTURE_E_BAD_PATCH_FILE, "%s changes no module", file->name);
	installed_id_text(module->build_id, module->build_id_size, added.patch.build_id);
	snprintf(added.patch.name, sizeof(added.patch.name), "%s", file->name);
	for (size_t i = 0; i < installer->count; i++)
		if (strcmp(installer->entries[i].patch.name, added.patch.name) == 0 &&
		    strcmp(installer->entries[i].patch.build_id, added.patch.build_id) == 0)
			there = &installer->entries[i];
	rc = check_depends(installer, file, added.patch.build_id, err);
	if (!rc && there && !there->damaged && memcmp(there->hash, file->hash, HASH_SIZE) == 0) {
		added.changed = there->crashes >= TRIAL_CRASHES;
	} else if (!rc && there && !there->damaged && !replace) {
		error_set(err, SUTURE_E_NAME_TAKEN,
			  "another patch named %s is installed for build %.16s", file->name,
			  added.patch.build_id);
		return error_next(err, "suture install --replace puts this one in its place");
	} else if (!rc && there) {
		rc = check_dependents(installer, there, err);
	}
	if (rc)
		return rc;
	if (there)
		added.patch.order = there->patch.order;
	rc = write_file(file, signature, &added, err);
	if (rc == -(int)SUTURE_E_IO)
		return error_next(err, "nothing was installed: make room there, or name another "
				       "folder with SUTURE_DIR");
	if (rc)
		return rc;
	trial_forget(file->hash);
	*result = added;
	return 0;
}

int installer_remove(struct installer *installer, const struct installer_entry *entry,
		     struct suture_error *err)
{
	char name[INSTALLED_FILE_NAME], beside[INSTALLED_FILE_NAME + 16];
	cleanup_fd int folder = -1;
	int rc = check_dependents(installer, entry, err);

	if (!rc)
		rc = trusted_folder_at(installer->root, entry->patch.build_id, &folder, err);
	if (rc)
		return rc;
	installed_file_name(&entry->patch, name);
	snprintf(beside, sizeof(beside), "%s.minisig", name);
	unlinkat(folder, beside, 0);
	if (unlinkat(folder, name, 0) < 0 || fsync(folder) < 0)
		return not_permitted(errno, name, err);
	/* The last one takes the folder with it. */
	unlinkat(installer->root, entry->patch.build_id, AT_REMOVEDIR);
	trial_forget(entry->hash);
	return 0;
}

/* SPDX-License-Identifier: MIT */
/* Waiting for writes; see notify.h. Folders are watched, not files: editors replace those. */
#include "cli/watch/notify.h"

#include "base/error.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

enum {
	QUIET_MS = 20,	   /* nothing for so long: the last of a batch was written */
	BATCH_ROUNDS = 50, /* of QUIET_MS: somebody who never stops writing */
	GIT_STEP_MS = 20,  /* while git holds its index */
	GIT_ROUNDS = 500,
	EVENT_BUFFER = 16384,
};

int notify_open(struct notify *notify, struct suture_error *err)
{
	*notify = (struct notify){.fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
	return notify->fd < 0 ? error_errno(err, SUTURE_E_IO, errno, "inotify") : 0;
}

void notify_close(struct notify *notify)
{
	for (size_t i = 0; i < notify->room; i++)
		free(notify->folders[i]);
	free(notify->folders);
	if (notify->fd >= 0)
		close(notify->fd);
}

static int remember(struct notify *notify, size_t watch, const char *folder,
		    struct suture_error *err)
{
	if (watch >= notify->room) {
		size_t room = watch + 64;
		char **grown = realloc(notify->folders, room * sizeof(*grown));

		if (!grown)
			return error_no_memory(err);
		memset(grown + notify->room, 0, (room - notify->room) * sizeof(*grown));
		notify->folders = grown;
		notify->room = room;
	}
	free(notify->folders[watch]);
	notify->folders[watch] = strdup(folder);
	return notify->folders[watch] ? 0 : error_no_memory(err);
}

int notify_watch(struct notify *notify, const struct tree *tree, struct suture_error *err)
{
	char folder[PATH_MAX], last[PATH_MAX] = "";

	for (size_t i = 0; i < tree->count; i++) {
		const char *slash = strrchr(tree->files[i].path, '/');
		int watch, rc;

		snprintf(folder, sizeof(folder), "%.*s", (int)(slash - tree->files[i].path),
			 tree->files[i].path);
		if (strcmp(folder, last) == 0)
			continue;
		strcpy(last, folder);
		watch = inotify_add_watch(notify->fd, folder,
					  IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE |
						  IN_ONLYDIR);
		if (watch < 0 && errno == ENOENT)
			continue; /* gone for the moment: git */
		if (watch < 0)
			return error_errno(err, SUTURE_E_IO, errno, "watching %s", folder);
		rc = remember(notify, (size_t)watch, folder, err);
		if (rc)
			return rc;
	}
	return 0;
}

/* Takes all events that are there. Does one concern the tree? */
static bool take_events(struct notify *notify, const struct tree *tree)
{
	char buffer[EVENT_BUFFER] __attribute__((aligned(__alignof__(struct inotify_event))));
	bool concerns = false;
	ssize_t got;

	while ((got = read(notify->fd, buffer, sizeof(buffer))) > 0) {
		for (char *at = buffer; at < buffer + got;) {
			const struct inotify_event *event = (const struct inotify_event *)at;
			size_t watch = (size_t)event->wd;

			at += sizeof(*event) + event->len;
			/* Too many to tell: some will. A folder that is gone comes again. */
			if ((event->mask & (IN_Q_OVERFLOW | IN_IGNORED)) ||
			    (event->len && watch < notify->room && notify->folders[watch] &&
			     tree_concerns(tree, notify->folders[watch], event->name)))
				concerns = true;
		}
	}
	return concerns;
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	return poll(&ready, 1, timeout_ms) > 0;
}

/* git writes many files, one after another, while it holds the lock of its index. */
static void wait_for_git(const struct tree *tree)
{
	char folder[PATH_MAX], lock[PATH_MAX + 24];

	snprintf(folder, sizeof(folder), "%s", tree->root);
	for (char *slash = folder + strlen(folder); slash; slash = strrchr(folder, '/')) {
		*slash = '\0';
		snprintf(lock, sizeof(lock), "%s/.git/index.lock", folder);
		for (int i = 0; i < GIT_ROUNDS && access(lock, F_OK) == 0; i++)
			usleep(GIT_STEP_MS * 1000);
	}
}

bool notify_wait(struct notify *notify, const struct tree *tree, int timeout_ms)
{
	while (!notify->pending) {
		if (!readable(notify->fd, timeout_ms))
			return false;
		notify->pending = take_events(notify, tree);
	}
	for (int i = 0; i < BATCH_ROUNDS && readable(notify->fd, QUIET_MS); i++)
		take_events(notify, tree);
	wait_for_git(tree);
	take_events(notify, tree);
	notify->pending = false;
	return true;
}

bool notify_pending(struct notify *notify, const struct tree *tree)
{
	notify->pending |= take_events(notify, tree);
	return notify->pending;
}

/* SPDX-License-Identifier: MIT */
/* Being told when files of a tree are written, by whatever writes them (inotify). */
#ifndef WATCH_NOTIFY_H
#define WATCH_NOTIFY_H

#include "cli/watch/tree.h"

struct notify {
	int fd;
	char **folders; /* owned; by watch descriptor */
	size_t room;
	bool pending; /* seen by notify_pending() */
};

int notify_open(struct notify *notify, struct suture_error *err);
void notify_close(struct notify *notify);

/* Watches the folders of all files; again after folders were made anew. */
int notify_watch(struct notify *notify, const struct tree *tree, struct suture_error *err);

/*
 * Waits until something that concerns the tree was written, at most timeout_ms (-1: for ever); then
 * until nothing more comes: "save all", or a checkout by git. False: the time is over.
 */
bool notify_wait(struct notify *notify, const struct tree *tree, int timeout_ms);

/* Without waiting: was something written? It is not forgotten: notify_wait() returns at once then.
 */
bool notify_pending(struct notify *notify, const struct tree *tree);

#endif

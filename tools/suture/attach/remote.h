/* SPDX-License-Identifier: MIT */
/* Another process' memory. What is read may have changed when it is looked at. */
#ifndef ATTACH_REMOTE_H
#define ATTACH_REMOTE_H

#include <suture/error.h>

#include <stdint.h>
#include <sys/types.h>

struct remote {
	pid_t pid;
	int fd; /* /proc/PID/mem */
};

/* NO_PROCESS, PERMISSION. The caller calls remote_close(). */
int remote_open(pid_t pid, struct remote *remote, struct suture_error *err);
void remote_close(struct remote *remote);

/* False unless all size bytes could be moved. Writing ignores protections of private pages. */
bool remote_read(const struct remote *remote, uint64_t address, void *out, size_t size);
bool remote_write(const struct remote *remote, uint64_t address, const void *data, size_t size);

/* A text of less than size bytes; false when it is longer or not readable. */
bool remote_string(const struct remote *remote, uint64_t address, char *out, size_t size);

#endif

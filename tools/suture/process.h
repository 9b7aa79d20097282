/* SPDX-License-Identifier: MIT */
/* Processes as /proc shows them. All of it may be old news when it is returned. */
#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

#include <suture/error.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PROCESS_NAME_SIZE = 64, PROCESS_ENV_SIZE = 256, PROCESS_BUILD_ID_TEXT = 65 };

struct process {
	pid_t pid;
	pid_t inner_pid; /* in its own PID namespace */
	pid_t parent;
	uid_t uid;
	uid_t inner_uid;	      /* in its own user namespace */
	char name[PROCESS_NAME_SIZE]; /* base name of its executable, else what it calls itself */
	char comm[PROCESS_NAME_SIZE]; /* what it calls itself */
	char exe[PATH_MAX];	      /* "" when not readable or a kernel thread */
	bool filtered;		      /* its first thread has seccomp filters */
	bool stopped;		      /* by SIGSTOP, or by who traces it */
	pid_t tracer;		      /* 0: nobody */
};

struct process_list {
	struct process *items; /* owned, by rising pid */
	size_t count;
};

/*
 * May its own user's processes trace it and look at its memory? Not after it gave up privileges, or
 * asked for that (PR_SET_DUMPABLE): then its files in /proc belong to root. True where root is its
 * user.
 */
bool process_is_dumpable(const struct process *process);

/* False when there is none (any more), or it is a zombie. */
bool process_read(pid_t pid, struct process *process);

/* When it was started, and now, in ticks of /proc since the machine began; 0 when there is none. */
uint64_t process_start(pid_t pid);
uint64_t process_now(void);

/* All of the system. The caller calls process_list_fini(). */
int process_list_all(struct process_list *list, struct suture_error *err);
bool process_list_add(struct process_list *list, const struct process *process);
void process_list_fini(struct process_list *list);

/* True for threads of the kernel, which look like processes without an executable. */
bool process_is_kernel(const struct process *process);

/* Does `-n wanted` mean it: the executable's base name, or what it calls itself? */
bool process_is_named(const struct process *process, const char *wanted);

/* The value of a variable in its environment at start; false if unset, unreadable or too long. */
bool process_environment(pid_t pid, const char *name, char value[PROCESS_ENV_SIZE]);

/* True when its file system is not the one we see. */
bool process_sees_other_files(pid_t pid);

/* True when it is in another user namespace: numbers of users mean others there. */
bool process_has_other_users(pid_t pid);

/* 1 when a line of its memory map has that text, 0 when none has, -1 when it can't be read. */
int process_maps(pid_t pid, const char *text);

/* True when it has the C library mapped, so that an agent could be put into it. */
bool process_could_have_agent(const struct process *process);

/* Its executable's build-id in hexadecimal, "" when there is none or it can't be read. */
void process_build_id(pid_t pid, char text[PROCESS_BUILD_ID_TEXT]);

#endif

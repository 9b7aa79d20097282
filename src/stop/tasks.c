/* SPDX-License-Identifier: MIT */
/*
 * What /proc/self/task says of our threads. Runs on the helper: raw system calls, no allocation.
 * The directory was opened by the caller, since the helper's own /proc/self is another process.
 */
#include "stop/session.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>

/* Of the kernel's ABI; libc has it under other names. */
struct directory_entry {
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

/* A record is 24 bytes for names of up to four digits, 32 for up to twelve. */

/* ---- text ----------------------------------------------------------------------------------- */

static size_t put_number(char *to, unsigned value)
{
	char digits[12];
	size_t count = 0;

	do {
		digits[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	for (size_t i = 0; i < count; i++)
		to[i] = digits[count - 1 - i];
	return count;
}

static uint64_t take_number(const char **at, unsigned base)
{
	uint64_t value = 0;

	for (;; (*at)++) {
		char c = **at;
		unsigned digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned)(c - '0');
		else if (base == 16 && c >= 'a' && c <= 'f')
			digit = (unsigned)(c - 'a') + 10;
		else
			return value;
		value = value * base + digit;
	}
}

static void skip_to_next(const char **at)
{
	while (**at && **at != ' ' && **at != '\n')
		(*at)++;
	while (**at == ' ')
		(*at)++;
}

/* ---- files of one thread -------------------------------------------------------------------- */

static long open_file(const struct stop_session *session, pid_t tid, const char *name)
{
	char path[40];
	size_t length = put_number(path, (unsigned)tid);

	path[length++] = '/';
	do
		path[length++] = *name;
	while (*name++);
	return arch_syscall(SYS_openat, session->task_dir, (long)path, O_RDONLY | O_CLOEXEC, 0, 0,
			    0);
}

/* Reads a small file as text; negative errno, or its length. */
static long read_file(const struct stop_session *session, pid_t tid, const char *name, char *text,
		      size_t size)
{
	long fd = open_file(session, tid, name);
	long got;

	if (fd < 0)
		return fd;
	got = arch_syscall(SYS_read, fd, (long)text, (long)size - 1, 0, 0, 0);
	arch_syscall(SYS_close, fd, 0, 0, 0, 0, 0);
	if (got >= 0)
		text[got] = '\0';
	return got;
}

void tasks_open_counter_stopped(struct stop_session *session, struct stop_task *task)
{
	long fd = -1;

	/* In a shared table a thousand descriptors could make the application's accept() fail. */
	if (session->private_files)
		fd = open_file(session, task->tid, "schedstat");
	task->counter_fd = fd < 0 ? -1 : (int)fd;
}

bool tasks_read_turns_stopped(struct stop_session *session, struct stop_task *task, uint64_t *turns)
{
	char text[96];
	const char *at = text;
	long got;

	if (task->counter_fd >= 0) {
		got = arch_syscall(SYS_pread64, task->counter_fd, (long)text, sizeof(text) - 1, 0,
				   0, 0);
		if (got > 0)
			text[got] = '\0';
	} else {
		got = read_file(session, task->tid, "schedstat", text, sizeof(text));
	}
	if (got <= 0)
		return false;
	task->alive = true;
	skip_to_next(&at); /* time on the processor */
	skip_to_next(&at); /* time waiting for it */
	*turns = take_number(&at, 10);
	return true;
}

static bool lends_stack(uint64_t number, uint64_t flags)
{
#ifdef SYS_vfork
	if (number == SYS_vfork)
		return true;
#endif
	/* clone3's flags lie in memory; it sleeps for nothing else that lasts. */
	return (number == SYS_clone && (flags & CLONE_VFORK)) || number == SYS_clone3;
}

bool tasks_read_sleep_stopped(struct stop_session *session, pid_t tid, struct sleep_state *out)
{
	struct sleep_state state = {0};
	const char *at, *previous = NULL, *last = NULL;
	char text[256];
	bool in_call;
	uint64_t number, flags = 0;

	if (read_file(session, tid, "syscall", text, sizeof(text)) <= 0)
		return false;
	/* "running", or "NUMBER six arguments SP PC", or "-1 SP PC" asleep outside a call. */
	at = text;
	if (*at == 'r') {
		*out = state;
		return true;
	}
	in_call = *at != '-';
	number = take_number(&at, 10);
	for (skip_to_next(&at); *at == '0'; skip_to_next(&at)) {
		if (!last && in_call) {
			const char *first = at + 2;

			flags = take_number(&first, 16);
		}
		previous = last;
		last = at;
	}
	if (!previous)
		return false;
	previous += 2;
	last += 2;
	state.sp = take_number(&previous, 16);
	state.pc = take_number(&last, 16);
	/* Nothing of either: a thread of the kernel's making; the tracer will tell. */
	state.asleep = state.sp != 0 && state.pc != 0;
	state.vfork = in_call && lends_stack(number, flags);
	*out = state;
	return true;
}

char tasks_read_stat_stopped(struct stop_session *session, pid_t tid, uint64_t *flags)
{
	char text[512], state;
	const char *at = NULL;

	*flags = 0;
	if (read_file(session, tid, "stat", text, sizeof(text)) <= 0)
		return 0;
	/* The name, in parentheses, may hold anything: the last one closes it. */
	for (const char *p = text; *p; p++)
		if (*p == ')')
			at = p;
	if (!at || at[1] != ' ')
		return 0;
	at += 2;
	state = *at;
	for (int field = 3; field < 9; field++)
		skip_to_next(&at);
	*flags = take_number(&at, 10);
	return state;
}

pid_t tasks_read_tracer_stopped(struct stop_session *session, pid_t tid)
{
	static const char key[] = "\nTracerPid:\t";
	char text[512];
	long got = read_file(session, tid, "status", text, sizeof(text));

	for (long i = 0; i + (long)sizeof(key) - 1 <= got; i++) {
		size_t matched = 0;

		while (matched < sizeof(key) - 1 && text[i + (long)matched] == key[matched])
			matched++;
		if (matched == sizeof(key) - 1) {
			const char *at = text + i + matched;

			return (pid_t)take_number(&at, 10);
		}
	}
	return 0;
}

void tasks_read_comm_stopped(struct stop_session *session, pid_t tid, char comm[STOP_COMM_SIZE])
{
	char text[STOP_COMM_SIZE + 2];
	long got = read_file(session, tid, "comm", text, sizeof(text));
	size_t length = 0;

	while (got > 0 && length < STOP_COMM_SIZE - 1 && text[length] && text[length] != '\n') {
		comm[length] = text[length];
		length++;
	}
	comm[length] = '\0';
}

/* ---- the list ------------------------------------------------------------------------------- */

/* The kernel lists in the order of birth, and so is our table: the next one is mostly it. */
static struct stop_task *find(struct stop_session *session, pid_t tid, size_t *expected)
{
	if (*expected < session->task_count && session->tasks[*expected].tid == tid)
		return &session->tasks[(*expected)++];
	for (size_t i = 0; i < session->task_count; i++) {
		if (session->tasks[i].tid != tid)
			continue;
		*expected = i + 1;
		return &session->tasks[i];
	}
	return NULL;
}

static enum listing note(struct stop_session *session, pid_t tid, size_t *expected, size_t *added)
{
	struct stop_task *task;

	if (tid == session->caller)
		return LISTING_OK;
	task = find(session, tid, expected);
	/* A dead thread's number may be given to a new thread. */
	if (task && task->state == TASK_GONE) {
		task->tid = -1;
		task->wanted = task->seized = task->interrupted = false;
		task = NULL;
	}
	if (!task) {
		if (session->task_count == session->task_capacity)
			return LISTING_FULL;
		task = &session->tasks[session->task_count++];
		*task = (struct stop_task){.tid = tid, .counter_fd = -1};
		(*added)++;
	}
	task->named = true;
	return LISTING_OK;
}

enum listing tasks_list_stopped(struct stop_session *session, size_t *added)
{
	size_t expected = 0;

	*added = 0;
	for (size_t i = 0; i < session->task_count; i++)
		session->tasks[i].named = session->tasks[i].alive = false;
	if (arch_syscall(SYS_lseek, session->task_dir, 0, SEEK_SET, 0, 0, 0) < 0)
		return LISTING_FAILED;
	for (;;) {
		long got = arch_syscall(SYS_getdents64, session->task_dir, (long)session->entries,
					(long)session->entries_size, 0, 0, 0);

		if (got < 0) {
			session->error = (int)-got;
			return LISTING_FAILED;
		}
		if (got == 0)
			return LISTING_OK;
		for (long at = 0; at < got;) {
			const struct directory_entry *entry =
				(const struct directory_entry *)(session->entries + at);
			const char *name = entry->name;
			enum listing rc;

			at += entry->size;
			if (*name == '.')
				continue;
			rc = note(session, (pid_t)take_number(&name, 10), &expected, added);
			if (rc != LISTING_OK)
				return rc;
		}
	}
}

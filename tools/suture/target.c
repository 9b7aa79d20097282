/* SPDX-License-Identifier: MIT */
/* TARGET; see target.h. */
#include "cli/target.h"

#include "base/error.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int parse_pid(const char *text, pid_t *pid, struct suture_error *err)
{
	long value = 0;
	size_t i = 0;

	for (; text[i] >= '0' && text[i] <= '9' && i < 10; i++)
		value = value * 10 + (text[i] - '0');
	if (i == 0 || text[i] || value < 1 || value > INT_MAX) {
		error_set(err, SUTURE_E_USAGE, "'%.*s' is not a process id", text_fit(text, 40),
			  text);
		return error_next(err, "-n takes the name of a process");
	}
	*pid = (pid_t)value;
	return 0;
}

int target_set(struct target *target, enum target_kind kind, const char *value,
	       struct suture_error *err)
{
	struct target wanted = {.kind = kind, .text = value};
	int rc = 0;

	if (target->kind != TARGET_NONE)
		return error_set(err, SUTURE_E_USAGE,
				 "more than one of -p, -n, -s, --tree and --all");
	if (kind == TARGET_PID || kind == TARGET_TREE)
		rc = parse_pid(value, &wanted.pid, err);
	else if (kind != TARGET_ALL && !*value)
		rc = error_set(err, SUTURE_E_USAGE, "%s is empty",
			       kind == TARGET_NAME ? "the process name" : "the socket's path");
	if (!rc)
		*target = wanted;
	return rc;
}

bool target_is_group(const struct target *target)
{
	return target->kind == TARGET_TREE || target->kind == TARGET_ALL;
}

static const struct process *find_pid(const struct process_list *all, pid_t pid)
{
	for (size_t i = 0; i < all->count; i++)
		if (all->items[i].pid == pid)
			return &all->items[i];
	return NULL;
}

/* Is process root itself or below it? Bounded by the number of processes: parents may change. */
static bool is_below(const struct process_list *all, const struct process *process, pid_t root)
{
	for (size_t steps = 0; process && steps <= all->count; steps++) {
		if (process->pid == root)
			return true;
		process = find_pid(all, process->parent);
	}
	return false;
}

static bool is_meant(const struct target *target, const struct process_list *all,
		     const struct process *process)
{
	switch (target->kind) {
	case TARGET_PID:
		return process->pid == target->pid;
	case TARGET_NAME:
		return process_is_named(process, target->text) && !process_is_kernel(process);
	case TARGET_TREE:
		return is_below(all, process, target->pid);
	default:
		return true;
	}
}

static int nobody(const struct target *target, struct suture_error *err)
{
	if (target->kind == TARGET_NAME) {
		error_set(err, SUTURE_E_NO_PROCESS, "no process is named '%.*s'",
			  text_fit(target->text, 64), target->text);
		return error_next(err, "'suture ps' lists processes");
	}
	error_set(err, SUTURE_E_NO_PROCESS, "no process has pid %d", (int)target->pid);
	return error_next(err, "'suture ps' lists processes");
}

static int resolve_pid(const struct target *target, struct process_list *list,
		       struct suture_error *err)
{
	struct process process;

	if (!process_read(target->pid, &process))
		return nobody(target, err);
	return process_list_add(list, &process) ? 0 : error_no_memory(err);
}

int target_resolve(const struct target *target, struct process_list *list, struct suture_error *err)
{
	struct process_list all, result = {0};
	int rc;

	if (target->kind == TARGET_PID)
		return resolve_pid(target, list, err);
	rc = process_list_all(&all, err);
	if (rc)
		return rc;
	for (size_t i = 0; i < all.count && !rc; i++)
		if (all.items[i].pid != getpid() && is_meant(target, &all, &all.items[i]) &&
		    !process_list_add(&result, &all.items[i]))
			rc = error_no_memory(err);
	process_list_fini(&all);
	if (!rc && result.count == 0)
		rc = nobody(target, err);
	if (rc)
		process_list_fini(&result);
	else
		*list = result;
	return rc;
}

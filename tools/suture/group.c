/* SPDX-License-Identifier: MIT */
/* Finding the processes that a TARGET means; see group.h. */
#include "cli/group.h"

#include "base/error.h"
#include "cli/family.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void subject_fini(struct subject *subject)
{
	if (subject->linked)
		link_close(&subject->link);
	json_object_put(subject->answer);
	json_object_put(subject->details);
}

void group_fini(struct group *group)
{
	for (size_t i = 0; i < group->count; i++)
		subject_fini(&group->subjects[i]);
	free(group->subjects);
}

static void subject_connect(struct subject *subject, enum group_kind kind)
{
	int rc = link_open(&subject->link, &subject->process, &subject->err);

	if (rc == -(int)SUTURE_E_NO_AGENT && kind == GROUP_ADOPTED)
		rc = family_adopt(&subject->link, &subject->process, &subject->err);
	subject->linked = rc == 0;
	if (!rc)
		subject->err.code = SUTURE_OK;
	subject->exit_code = suture_code_exit(subject->err.code);
}

static int group_of_socket(const struct cli *cli, struct group *group, struct suture_error *err)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	int rc;

	if (!subject)
		return error_no_memory(err);
	rc = link_open_socket(&subject->link, cli->target.text, &subject->process, err);
	if (rc) {
		free(subject);
		return rc;
	}
	subject->linked = true;
	*group = (struct group){.subjects = subject, .count = 1};
	return 0;
}

/* Of somebody else, and whether it has an agent can't be seen: --all can't mean it. */
static bool is_hidden(const struct cli *cli, const struct subject *subject)
{
	return cli->target.kind == TARGET_ALL && subject->err.code == SUTURE_E_PERMISSION &&
	       !subject->linked && geteuid() != 0 && subject->process.uid != geteuid();
}

/* --all and --tree mean the processes that have an agent. Returns how many are hidden. */
static size_t drop_others(const struct cli *cli, struct group *group, size_t first)
{
	size_t kept = first, hidden = 0;

	for (size_t i = first; i < group->count; i++) {
		struct subject *subject = &group->subjects[i];

		if (is_hidden(cli, subject))
			hidden++;
		if (is_hidden(cli, subject) || subject->err.code == SUTURE_E_NO_AGENT)
			subject_fini(subject);
		else
			group->subjects[kept++] = *subject;
	}
	group->count = kept;
	return hidden;
}

static int keep_linked(const struct cli *cli, struct group *group, struct suture_error *err)
{
	size_t hidden = drop_others(cli, group, 0);

	if (hidden && !cli->quiet)
		fprintf(stderr, "suture: left out: %zu processes of other users\n", hidden);
	if (group->count)
		return 0;
	if (cli->target.kind == TARGET_TREE)
		error_set(err, SUTURE_E_NO_AGENT, "no agent in pid %d or below it",
			  (int)cli->target.pid);
	else
		error_set(err, SUTURE_E_NO_AGENT, "no process has an agent");
	return error_next(err, "'suture ps' lists processes that could be given one");
}

int group_find(const struct cli *cli, enum group_kind kind, struct group *group,
	       struct suture_error *err)
{
	struct process_list list = {0};
	int rc;

	*group = (struct group){.since = process_now()};
	if (cli->target.kind == TARGET_SOCKET)
		return group_of_socket(cli, group, err);
	rc = target_resolve(&cli->target, &list, err);
	if (rc)
		return rc;
	group->subjects = calloc(list.count, sizeof(*group->subjects));
	if (!group->subjects)
		rc = error_no_memory(err);
	for (size_t i = 0; !rc && i < list.count; i++) {
		group->subjects[i].process = list.items[i];
		subject_connect(&group->subjects[i], kind);
		group->count++;
	}
	process_list_fini(&list);
	group->many = target_is_group(&cli->target) || group->count > 1;
	if (!rc && target_is_group(&cli->target) && kind != GROUP_WHOLE)
		rc = keep_linked(cli, group, err);
	return rc;
}

static const struct subject *subject_of(const struct group *group, pid_t pid)
{
	for (size_t i = 0; i < group->count; i++)
		if (group->subjects[i].process.pid == pid)
			return &group->subjects[i];
	return NULL;
}

/* Born since the command began, and not with what was done to its parent. */
static bool is_late(const struct group *group, const struct process *process)
{
	const struct subject *parent = subject_of(group, process->parent);
	uint64_t start = process_start(process->pid);

	return !subject_of(group, process->pid) && start >= group->since &&
	       !(parent && parent->done && start > parent->done);
}

static bool add_late(struct group *group, const struct process *process, enum group_kind kind)
{
	struct subject *grown =
		realloc(group->subjects, (group->count + 1) * sizeof(*group->subjects));

	if (!grown)
		return false;
	group->subjects = grown;
	grown += group->count++;
	*grown = (struct subject){.process = *process, .late = true};
	subject_connect(grown, kind);
	return true;
}

void group_extend(const struct cli *cli, enum group_kind kind, struct group *group)
{
	struct process_list list = {0};
	size_t first = group->count;
	struct suture_error none;

	if (!target_is_group(&cli->target) && cli->target.kind != TARGET_NAME)
		return;
	if (target_resolve(&cli->target, &list, &none))
		return;
	for (size_t i = 0; i < list.count; i++)
		if (is_late(group, &list.items[i]) && !add_late(group, &list.items[i], kind))
			break;
	process_list_fini(&list);
	if (target_is_group(&cli->target) && kind != GROUP_WHOLE)
		drop_others(cli, group, first);
	for (size_t i = group->count; i > first; i--)
		group_drop_ended(group, i - 1);
	group->many = group->many || group->count > 1;
}

bool group_drop_ended(struct group *group, size_t index)
{
	struct subject *subject = &group->subjects[index];
	struct process process;

	if (group->count < 2 || process_read(subject->process.pid, &process))
		return false;
	subject_fini(subject);
	group->count--;
	memmove(subject, subject + 1, (group->count - index) * sizeof(*subject));
	return true;
}

bool group_is_stillborn(const struct subject *subject)
{
	return subject->late && !subject->linked && subject->err.code == SUTURE_E_UNCERTAIN;
}

static const struct subject *drop_stillborn(struct group *group)
{
	const struct subject *left = NULL;

	for (size_t i = group->count; i > 0; i--)
		if (group_is_stillborn(&group->subjects[i - 1]) && !group_drop_ended(group, i - 1))
			left = &group->subjects[i - 1];
	return left;
}

const struct subject *group_await_stillborn(struct group *group, uint64_t timeout_us)
{
	const struct timespec nap = {.tv_nsec = 10000000};
	const struct subject *left = drop_stillborn(group);

	for (uint64_t waited = 0; left && waited < timeout_us; waited += 10000) {
		nanosleep(&nap, NULL);
		left = drop_stillborn(group);
	}
	return left;
}

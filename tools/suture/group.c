/* SPDX-License-Identifier: MIT */
/* Finding the processes that a TARGET means; see group.h. */
#include "cli/group.h"

#include "base/error.h"
#include "cli/family.h"

#include <stdio.h>
#include <stdlib.h>
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

/* --all and --tree mean the processes that have an agent. */
static int keep_linked(const struct cli *cli, struct group *group, struct suture_error *err)
{
	size_t kept = 0, hidden = 0;

	for (size_t i = 0; i < group->count; i++) {
		struct subject *subject = &group->subjects[i];

		if (is_hidden(cli, subject))
			hidden++;
		if (is_hidden(cli, subject) || subject->err.code == SUTURE_E_NO_AGENT)
			subject_fini(subject);
		else
			group->subjects[kept++] = *subject;
	}
	group->count = kept;
	if (hidden && !cli->quiet)
		fprintf(stderr, "suture: left out: %zu processes of other users\n", hidden);
	if (kept)
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

	*group = (struct group){0};
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

/* SPDX-License-Identifier: MIT */
/* Running programs; see child.h. */
#include "cli/watch/child.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *child_builder(void)
{
	static char path[PATH_MAX + sizeof("/suture-build")];
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
	char *slash;

	path[length > 0 ? length : 0] = '\0';
	slash = strrchr(path, '/');
	if (slash)
		strcpy(slash + 1, "suture-build");
	return slash && access(path, X_OK) == 0 ? path : "suture-build";
}

void child_fini(struct child *child)
{
	bytes_fini(&child->out);
	bytes_fini(&child->err);
}

static int start(char *const *argv, const int out[2], const int err_pipe[2], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	int rc = posix_spawn_file_actions_init(&actions);

	if (rc)
		return rc;
	rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&actions, err_pipe[1], STDERR_FILENO);
	if (!rc)
		rc = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return rc;
}

/* Takes what is there; closes at the end of the stream. */
static void take(int *fd, struct bytes *to)
{
	char piece[16384];
	ssize_t got = read(*fd, piece, sizeof(piece));

	if (got > 0) {
		bytes_add(to, piece, (size_t)got);
	} else if (got == 0 || (errno != EINTR && errno != EAGAIN)) {
		close(*fd);
		*fd = -1;
	}
}

static void collect(struct child *child, pid_t pid, int out, int errors,
		    const struct child_interrupt *interrupt)
{
	while (out >= 0 || errors >= 0) {
		struct pollfd ready[] = {{.fd = out, .events = POLLIN},
					 {.fd = errors, .events = POLLIN},
					 {.fd = interrupt && !child->cancelled ? interrupt->fd : -1,
					  .events = POLLIN}};

		if (poll(ready, 3, -1) < 0)
			continue;
		if (out >= 0 && ready[0].revents)
			take(&out, &child->out);
		if (errors >= 0 && ready[1].revents)
			take(&errors, &child->err);
		if (interrupt && ready[2].revents && interrupt->check(interrupt->context)) {
			child->cancelled = true;
			kill(pid, SIGTERM);
		}
	}
}

int child_run(char *const *argv, const struct child_interrupt *interrupt, struct child *child,
	      struct suture_error *err)
{
	int out[2], errors[2], status = 0, rc;
	pid_t pid;

	*child = (struct child){0};
	if (pipe2(out, O_CLOEXEC) < 0)
		return error_errno(err, SUTURE_E_IO, errno, "a pipe");
	if (pipe2(errors, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return error_errno(err, SUTURE_E_IO, errno, "a pipe");
	}
	rc = start(argv, out, errors, &pid);
	close(out[1]);
	close(errors[1]);
	if (rc) {
		close(out[0]);
		close(errors[0]);
		return error_errno(err, SUTURE_E_IO, rc, "%s", argv[0]);
	}
	collect(child, pid, out[0], errors[0], interrupt);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	child->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	bytes_add(&child->out, "", 1);
	bytes_add(&child->err, "", 1);
	return bytes_ok(&child->out) && bytes_ok(&child->err) ? 0 : error_no_memory(err);
}

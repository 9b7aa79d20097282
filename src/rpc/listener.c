/* SPDX-License-Identifier: MIT */
/*
 * Making the socket. The folder is made and judged first: ours (or root's, for one that
 * SUTURE_SOCKET names), no symbolic link, not writable for others. After that nobody else can
 * change names in it, so that names may be used.
 */
#include "rpc/listener.h"

#include "base/descriptor.h"
#include "base/error.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { LISTENER_BACKLOG = 128 };

static int prepare_folder(const char *folder, bool chosen, bool shared, struct suture_error *err)
{
	unsigned mode = shared ? 0711 : 0700;
	cleanup_fd int fd = -1;
	struct stat st;

	if (!chosen && mkdir(folder, mode) < 0 && errno != EEXIST)
		return error_errno(err, SUTURE_E_IO, errno, "%s", folder);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return error_errno(err, SUTURE_E_IO, errno, "%s", folder);
	if (st.st_uid != geteuid() && !(chosen && st.st_uid == 0))
		return error_set(err, SUTURE_E_PERMISSION, "%s: belongs to user %u", folder,
				 (unsigned)st.st_uid);
	/* A folder of the operator's choice keeps its mode; sticky protects our name in it. */
	if (chosen)
		return (st.st_mode & 022) == 0 || (st.st_mode & S_ISVTX)
			       ? 0
			       : error_set(err, SUTURE_E_PERMISSION, "%s: writable for others",
					   folder);
	/* One agent that is open to others opens the folder's way in for its neighbours too. */
	if ((st.st_mode & 07777) != mode && !((st.st_mode & 07777) == 0711 && !shared) &&
	    fchmod(fd, mode) < 0)
		return error_errno(err, SUTURE_E_IO, errno, "%s", folder);
	return 0;
}

static socklen_t fill_address(struct sockaddr_un *address, const char *path)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path, sizeof(address->sun_path), "%s", path);
	return sizeof(*address);
}

/* True when somebody listens at path. */
static bool is_live(const char *path)
{
	cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un address;
	socklen_t size = fill_address(&address, path);

	/* EAGAIN: its queue is full, so it has one. */
	return fd >= 0 && (connect(fd, (struct sockaddr *)&address, size) == 0 || errno == EAGAIN);
}

/* Only a socket that nobody listens at may be replaced. */
static int check_vacant(const char *path, struct suture_error *err)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_errno(err, SUTURE_E_IO, errno, "%s", path);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, SUTURE_E_IO, "%s: is there already and no socket", path);
	if (is_live(path))
		return error_set(err, SUTURE_E_AGENT_BUSY, "%s: another process listens there",
				 path);
	return 0;
}

/*
 * Binds under a name beside the final one, then renames: a client finds the old socket or the new
 * one, never none and never one that doesn't listen yet.
 */
static int bind_and_rename(int fd, const char *path, unsigned mode, struct suture_error *err)
{
	char beside[RPC_PATH_SIZE];
	struct sockaddr_un address;
	socklen_t size;

	if ((size_t)snprintf(beside, sizeof(beside), "%s~", path) >= sizeof(beside))
		return error_set(err, SUTURE_E_IO, "%s: longer than %d bytes", path,
				 RPC_PATH_SIZE - 2);
	if (unlink(beside) < 0 && errno != ENOENT)
		return error_errno(err, SUTURE_E_IO, errno, "%s", beside);
	/*
	 * Linux takes the mode of the file from the socket's own inode, less the umask. The umask
	 * is the process', and other threads use it: it can't be changed here.
	 */
	if (fchmod(fd, mode) < 0)
		return error_errno(err, SUTURE_E_IO, errno, "%s", path);
	size = fill_address(&address, beside);
	if (bind(fd, (struct sockaddr *)&address, size) < 0)
		return error_errno(err, SUTURE_E_IO, errno, "%s", path);
	if (chmod(beside, mode) < 0 || listen(fd, LISTENER_BACKLOG) < 0 ||
	    rename(beside, path) < 0) {
		error_errno(err, SUTURE_E_IO, errno, "%s", path);
		unlink(beside);
		return -(int)SUTURE_E_IO;
	}
	return 0;
}

/*
 * Sockets that killed processes left behind in our folder: no process of that number, and nobody
 * listens. A live one always has a listener, since it gets its name only after listen().
 */
static void sweep(const char *folder)
{
	DIR *listing = opendir(folder);
	struct dirent *entry;

	while (listing && (entry = readdir(listing))) {
		char path[RPC_PATH_SIZE];
		struct stat st;
		int pid, end = 0;

		if (sscanf(entry->d_name, "%9d.sock%n", &pid, &end) != 1 || end == 0 ||
		    entry->d_name[end] || pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
			continue;
		if ((size_t)snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name) <
			    sizeof(path) &&
		    lstat(path, &st) == 0 && S_ISSOCK(st.st_mode) && !is_live(path))
			unlink(path);
	}
	if (listing)
		closedir(listing);
}

static int open_at(const char *path, bool chosen, bool shared, struct rpc_listener *listener,
		   struct suture_error *err)
{
	char folder[RPC_PATH_SIZE];
	struct stat st;
	char *slash;
	int fd, rc;

	snprintf(folder, sizeof(folder), "%s", path);
	slash = strrchr(folder, '/');
	if (slash == folder)
		slash++;
	*slash = '\0';
	rc = prepare_folder(folder, chosen, shared, err);
	if (!rc)
		rc = check_vacant(path, err);
	if (rc)
		return rc;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_errno(err, SUTURE_E_IO, errno, "a socket");
	fd = descriptor_set_apart(fd);
	rc = bind_and_rename(fd, path, shared ? 0666 : 0600, err);
	if (!rc && lstat(path, &st) < 0)
		rc = error_errno(err, SUTURE_E_IO, errno, "%s", path);
	if (rc) {
		close(fd);
		return rc;
	}
	if (!chosen)
		sweep(folder);
	listener->fd = fd;
	listener->socket = descriptor_socket(fd);
	listener->device = st.st_dev;
	listener->inode = st.st_ino;
	snprintf(listener->path, sizeof(listener->path), "%s", path);
	return 0;
}

int rpc_listener_open(const struct rpc_owner *owner, bool shared, struct rpc_listener *listener,
		      struct suture_error *err)
{
	bool chosen = owner->socket && *owner->socket;
	char path[RPC_PATH_SIZE];
	int rc = error_set(
		err, SUTURE_E_IO,
		"no place for a socket: SUTURE_SOCKET must be an absolute path of at most "
		"%d bytes",
		RPC_PATH_SIZE - 2);

	for (unsigned i = 0; rpc_place(owner, i, path); i++) {
		rc = open_at(path, chosen, shared, listener, err);
		if (!rc)
			break;
	}
	return rc;
}

bool rpc_listener_is_open(const struct rpc_listener *listener)
{
	return listener->fd >= 0 && descriptor_socket(listener->fd) == listener->socket;
}

void rpc_listener_hide(const struct rpc_listener *listener)
{
	struct stat st;

	if (lstat(listener->path, &st) == 0 && st.st_dev == listener->device &&
	    st.st_ino == listener->inode)
		unlink(listener->path);
}

void rpc_listener_close(struct rpc_listener *listener)
{
	if (listener->fd < 0)
		return;
	rpc_listener_hide(listener);
	rpc_listener_forget(listener);
}

void rpc_listener_forget(struct rpc_listener *listener)
{
	if (rpc_listener_is_open(listener))
		close(listener->fd);
	listener->fd = -1;
}

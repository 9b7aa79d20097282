/* SPDX-License-Identifier: MIT */
/* Keys, passwords, signature files; see sign.h. */
#include "sign.h"

#include "base/error.h"
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

enum { SIGN_PASSWORD_SIZE = 1025, SIGN_PATCH_LIMIT = 256 << 20 };

/* Without echo. False: no terminal, or nothing was typed. */
static bool ask_terminal(const char *path, char *password, size_t size)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct termios before, silent;
	ssize_t got = -1;

	if (tty < 0 || tcgetattr(tty, &before) < 0) {
		if (tty >= 0)
			close(tty);
		return false;
	}
	silent = before;
	silent.c_lflag &= ~(tcflag_t)ECHO;
	dprintf(tty, "password of %s: ", path);
	if (tcsetattr(tty, TCSAFLUSH, &silent) == 0) {
		got = read(tty, password, size - 1);
		tcsetattr(tty, TCSAFLUSH, &before);
	}
	dprintf(tty, "\n");
	close(tty);
	if (got <= 0)
		return false;
	password[got] = '\0';
	return true;
}

static bool read_password(const char *path, char *password, size_t size)
{
	bool ok = isatty(STDIN_FILENO) ? ask_terminal(path, password, size)
				       : fgets(password, (int)size, stdin) != NULL;

	if (ok)
		password[strcspn(password, "\r\n")] = '\0';
	return ok;
}

static int open_parsed(const struct secret_file *file, const char *path, struct secret_key *key,
		       struct suture_error *err)
{
	char password[SIGN_PASSWORD_SIZE] = "";
	int rc;

	if (!secret_file_needs_password(file))
		return secret_open(file, NULL, path, key, err);
	if (!read_password(path, password, sizeof(password))) {
		error_set(err, SUTURE_E_PERMISSION, "%s needs its password", path);
		return error_next(err, "type it on the terminal, or give it on standard input");
	}
	rc = secret_open(file, password, path, key, err);
	explicit_bzero(password, sizeof(password));
	return rc;
}

int sign_open(const char *path, struct secret_key *key, struct suture_error *err)
{
	struct secret_file *file = NULL;
	uint8_t *text = NULL;
	size_t size = 0;
	int rc = file_read(path, MINISIGN_TEXT_LIMIT, &text, &size, err);

	if (!rc)
		rc = secret_file_parse((const char *)text, size, path, &file, err);
	if (text)
		explicit_bzero(text, size);
	free(text);
	if (!rc)
		rc = open_parsed(file, path, key, err);
	secret_file_destroy(file);
	return rc;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int sign_patch(const struct secret_key *key, const char *patch, char **written,
	       struct suture_error *err)
{
	cleanup_memory uint8_t *data = NULL;
	cleanup_memory char *path = NULL;
	struct bytes text = {0};
	char comment[512];
	size_t size;
	int rc = file_read(patch, SIGN_PATCH_LIMIT, &data, &size, err);

	if (rc)
		return rc;
	if (asprintf(&path, "%s.minisig", patch) < 0) {
		path = NULL;
		return error_no_memory(err);
	}
	snprintf(comment, sizeof(comment), "timestamp:%lld\tfile:%.400s\thashed",
		 (long long)time(NULL), base_name(patch));
	rc = secret_sign(key, data, size, comment, &text, err);
	if (!rc)
		rc = file_replace(path, text.data, text.size, 0644, err);
	bytes_fini(&text);
	if (!rc) {
		*written = path;
		path = NULL;
	}
	return rc;
}

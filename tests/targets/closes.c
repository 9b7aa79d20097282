/*
 * A server as many are: when it starts it closes every descriptor that it did not open, whosever it is,
 * and then opens its own.
 *
 *   answer   → old 21: what the patched function makes of it
 *   files    → how many of its files are still what it opened
 */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lines.h"

enum { FILES = 40, CLOSED = 4096 };

static struct {
	int fd;
	ino_t inode;
} files[FILES];

static __attribute__((noinline)) int answer(int x)
{
	return x * 3;
}

static bool open_files(void)
{
	for (int i = 0; i < FILES; i++) {
		char path[] = "/tmp/suture-closes.XXXXXX";
		struct stat st;

		files[i].fd = mkstemp(path);
		if (files[i].fd < 0 || fstat(files[i].fd, &st) < 0)
			return false;
		unlink(path);
		files[i].inode = st.st_ino;
	}
	return true;
}

static int open_still(void)
{
	int still = 0;

	for (int i = 0; i < FILES; i++) {
		struct stat st;

		still += fstat(files[i].fd, &st) == 0 && st.st_ino == files[i].inode &&
			 st.st_size == 0;
	}
	return still;
}

int main(void)
{
	char line[64];

	for (int fd = 3; fd < CLOSED; fd++)
		close(fd);
	if (!open_files())
		return 1;
	while (lines_next(line, sizeof(line))) {
		if (strcmp(line, "answer") == 0)
			lines_answer("%d", answer(7));
		else
			lines_answer("%d", open_still());
	}
	return 0;
}

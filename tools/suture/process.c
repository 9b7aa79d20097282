/* SPDX-License-Identifier: MIT */
/* Reading /proc; see process.h. */
#include "cli/process.h"

#include "base/error.h"
#include "base/file.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { ENVIRONMENT_LIMIT = 4 << 20 };

static FILE *open_proc(pid_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return fopen(path, "re");
}

static bool read_status(struct process *process)
{
	cleanup_stream FILE *file = open_proc(process->pid, "status");
	char line[512], state = 'Z';
	unsigned uid;
	int number;

	if (!file)
		return false;
	process->inner_pid = process->pid;
	while (fgets(line, sizeof(line), file)) {
		const char *last = strrchr(line, '\t');

		if (sscanf(line, "State: %c", &state) == 1 ||
		    sscanf(line, "Name: %63[^\n]", process->comm) == 1)
			continue;
		if (sscanf(line, "PPid: %d", &number) == 1)
			process->parent = number;
		else if (sscanf(line, "TracerPid: %d", &number) == 1)
			process->tracer = number;
		/* Effective: the second. It decides where an agent puts its socket. */
		else if (sscanf(line, "Uid: %*u %u", &uid) == 1)
			process->uid = uid;
		else if (sscanf(line, "Seccomp: %d", &number) == 1)
			process->filtered = number == SECCOMP_MODE_FILTER;
		else if (strncmp(line, "NSpid:", 6) == 0 && last &&
			 sscanf(last, "%d", &number) == 1)
			process->inner_pid = number;
	}
	process->stopped = state == 'T' || state == 't';
	return state != 'Z' && state != 'X';
}

/* Of effective user uid there is no name in its namespace: then it is the overflow user to itself.
 */
static uid_t translate_uid(pid_t pid, uid_t uid)
{
	cleanup_stream FILE *file = open_proc(pid, "uid_map");
	unsigned inside, outside, count;

	if (!file)
		return uid;
	while (fscanf(file, "%u %u %u", &inside, &outside, &count) == 3)
		if (uid >= outside && uid - outside < count)
			return inside + (uid - outside);
	return 65534;
}

bool process_is_dumpable(const struct process *process)
{
	struct stat st;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", (int)process->pid);
	return stat(path, &st) < 0 || st.st_uid == process->uid;
}

bool process_read(pid_t pid, struct process *process)
{
	static const char deleted[] = " (deleted)";
	struct process result = {.pid = pid};
	char path[64], *end;
	const char *base;
	ssize_t length;

	if (!read_status(&result))
		return false;
	result.inner_uid = translate_uid(pid, result.uid);
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	length = readlink(path, result.exe, sizeof(result.exe) - 1);
	result.exe[length > 0 ? length : 0] = '\0';
	/* Replaced by a newer build on disk: the usual state of a server that waits for a restart.
	 */
	if (length > (ssize_t)sizeof(deleted)) {
		end = result.exe + length - (sizeof(deleted) - 1);
		if (strcmp(end, deleted) == 0)
			*end = '\0';
	}
	base = strrchr(result.exe, '/');
	snprintf(result.name, sizeof(result.name), "%.63s",
		 base && base[1] ? base + 1 : result.comm);
	*process = result;
	return true;
}

uint64_t process_start(pid_t pid)
{
	cleanup_stream FILE *file = open_proc(pid, "stat");
	char line[1024];
	const char *rest = file && fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
	unsigned long long start;

	/* The name ends there, whatever is in it; fields 3 to 21 come first. */
	if (!rest || sscanf(rest,
			    ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d "
			    "%*d %*d %llu",
			    &start) != 1)
		return 0;
	return start;
}

uint64_t process_now(void)
{
	uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * ticks + (uint64_t)now.tv_nsec / (1000000000 / ticks);
}

bool process_list_add(struct process_list *list, const struct process *process)
{
	/* Powers of two: grows when the count is one. */
	if ((list->count & (list->count - 1)) == 0) {
		size_t wanted = list->count ? list->count * 2 : 1;
		void *grown = realloc(list->items, wanted * sizeof(*list->items));

		if (!grown)
			return false;
		list->items = grown;
	}
	list->items[list->count++] = *process;
	return true;
}

void process_list_fini(struct process_list *list)
{
	free(list->items);
	*list = (struct process_list){0};
}

static int by_pid(const void *a, const void *b)
{
	const struct process *left = a, *right = b;

	return (left->pid > right->pid) - (left->pid < right->pid);
}

int process_list_all(struct process_list *list, struct suture_error *err)
{
	struct process_list result = {0};
	struct process process;
	struct dirent *entry;
	DIR *folder = opendir("/proc");

	if (!folder)
		return error_errno(err, SUTURE_E_IO, errno, "/proc");
	while ((entry = readdir(folder))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !process_read(atoi(entry->d_name), &process))
			continue;
		if (!process_list_add(&result, &process)) {
			closedir(folder);
			process_list_fini(&result);
			return error_no_memory(err);
		}
	}
	closedir(folder);
	if (result.count)
		qsort(result.items, result.count, sizeof(*result.items), by_pid);
	*list = result;
	return 0;
}

bool process_is_kernel(const struct process *process)
{
	return !process->exe[0] && (process->pid == 2 || process->parent == 2);
}

bool process_is_named(const struct process *process, const char *wanted)
{
	return strcmp(process->name, wanted) == 0 || strcmp(process->comm, wanted) == 0;
}

bool process_environment(pid_t pid, const char *name, char value[PROCESS_ENV_SIZE])
{
	cleanup_stream FILE *file = open_proc(pid, "environ");
	cleanup_memory char *line = NULL;
	size_t size = 0, total = 0, length = strlen(name);
	ssize_t got;

	while (file && (got = getdelim(&line, &size, '\0', file)) > 0) {
		total += (size_t)got;
		if (total > ENVIRONMENT_LIMIT)
			return false;
		if (strncmp(line, name, length) == 0 && line[length] == '=')
			return snprintf(value, PROCESS_ENV_SIZE, "%s", line + length + 1) <
			       PROCESS_ENV_SIZE;
	}
	return false;
}

/* A namespace of it that is not ours. False also where we may not look. */
static bool is_elsewhere(pid_t pid, const char *kind)
{
	struct stat own, theirs;
	char path[64], mine[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)pid, kind);
	snprintf(mine, sizeof(mine), "/proc/self/ns/%s", kind);
	return stat(mine, &own) == 0 && stat(path, &theirs) == 0 && own.st_ino != theirs.st_ino;
}

bool process_sees_other_files(pid_t pid)
{
	struct stat own, theirs;
	char path[64];

	/* The root folder as well: a chroot shares the mount namespace. */
	snprintf(path, sizeof(path), "/proc/%d/root", (int)pid);
	return is_elsewhere(pid, "mnt") ||
	       (stat("/", &own) == 0 && stat(path, &theirs) == 0 &&
		(own.st_dev != theirs.st_dev || own.st_ino != theirs.st_ino));
}

bool process_has_other_users(pid_t pid)
{
	return is_elsewhere(pid, "user");
}

bool process_could_have_agent(const struct process *process)
{
	return process->exe[0] && (process_maps(process->pid, "/libc.so.6") == 1 ||
				   process_maps(process->pid, "/libc-2.") == 1);
}

int process_maps(pid_t pid, const char *text)
{
	cleanup_stream FILE *file = open_proc(pid, "maps");
	cleanup_memory char *line = NULL;
	size_t size = 0;
	int found = -1;

	while (file && found != 1 && getline(&line, &size, file) > 0)
		found = strstr(line, text) != NULL;
	return found;
}

static void hex(const unsigned char *bytes, size_t size, char text[PROCESS_BUILD_ID_TEXT])
{
	for (size_t i = 0; i < size && 2 * i + 2 < PROCESS_BUILD_ID_TEXT; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static bool find_build_id(Elf *elf, const GElf_Phdr *phdr, char text[PROCESS_BUILD_ID_TEXT])
{
	Elf_Data *data = elf_getdata_rawchunk(elf, (int64_t)phdr->p_offset, phdr->p_filesz,
					      phdr->p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
	size_t at = 0, name, desc;
	GElf_Nhdr note;

	while (data && (at = gelf_getnote(data, at, &note, &name, &desc)) > 0) {
		const unsigned char *bytes = data->d_buf;

		if (note.n_type != NT_GNU_BUILD_ID || note.n_namesz != 4 ||
		    memcmp(bytes + name, "GNU", 4) != 0)
			continue;
		hex(bytes + desc, note.n_descsz, text);
		return true;
	}
	return false;
}

void process_build_id(pid_t pid, char text[PROCESS_BUILD_ID_TEXT])
{
	cleanup_fd int fd = -1;
	size_t count = 0;
	GElf_Phdr phdr;
	char path[64];
	Elf *elf;

	text[0] = '\0';
	/* /proc/PID/exe is the file that is running, whatever has its path now. */
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || elf_version(EV_CURRENT) == EV_NONE)
		return;
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf && elf_getphdrnum(elf, &count) == 0)
		for (size_t i = 0; i < count; i++)
			if (gelf_getphdr(elf, (int)i, &phdr) && phdr.p_type == PT_NOTE &&
			    find_build_id(elf, &phdr, text))
				break;
	elf_end(elf);
}

/* SPDX-License-Identifier: MIT */
/* /proc/PID/maps: see maps.h. */
#include "base/maps.h"

#include "base/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BRK_RESERVE = 256 << 20, LOWEST_ADDRESS = 0x10000 };

static bool parse_line(char *line, struct map_region *region)
{
	char perms[5];
	int path_at = 0;
	size_t length;

	if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s %" SCNx64 " %*x:%*x %" SCNu64 " %n",
		   &region->start, &region->end, perms, &region->offset, &region->inode,
		   &path_at) < 5 ||
	    path_at == 0)
		return false;
	region->prot = (perms[0] == 'r' ? PROT_READ : 0) | (perms[1] == 'w' ? PROT_WRITE : 0) |
		       (perms[2] == 'x' ? PROT_EXEC : 0);
	region->shared = perms[3] == 's';
	length = strlen(line + path_at);
	if (length && line[path_at + (int)length - 1] == '\n')
		line[path_at + (int)length - 1] = '\0';
	region->path = strdup(line + path_at);
	return region->path != NULL;
}

int maps_read(pid_t pid, struct maps *maps, struct suture_error *err)
{
	struct maps result = {0};
	size_t capacity = 0, line_size = 0;
	char path[64], *line = NULL;
	FILE *file;
	int rc = 0;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	else
		snprintf(path, sizeof(path), "/proc/self/maps");
	file = fopen(path, "re");
	if (!file && !pid && errno == ENOENT) {
		error_set(err, SUTURE_E_UNSUPPORTED, "the process has no /proc in its root folder");
		return error_next(err, "mount it there: mount -t proc proc /proc/%d/root/proc",
				  (int)getpid());
	}
	if (!file)
		return error_errno(err, errno == ENOENT ? SUTURE_E_NO_PROCESS : SUTURE_E_PERMISSION,
				   errno, "%s", path);
	while (getline(&line, &line_size, file) > 0) {
		if (result.count == capacity) {
			size_t wanted = capacity ? capacity * 2 : 128;
			void *grown = realloc(result.regions, wanted * sizeof(*result.regions));

			if (!grown) {
				rc = error_no_memory(err);
				break;
			}
			result.regions = grown;
			capacity = wanted;
		}
		if (!parse_line(line, &result.regions[result.count])) {
			rc = error_set(err, SUTURE_E_INTERNAL, "%s: unreadable line", path);
			break;
		}
		result.count++;
	}
	free(line);
	fclose(file);
	if (rc)
		maps_fini(&result);
	else
		*maps = result;
	return rc;
}

void maps_fini(struct maps *maps)
{
	for (size_t i = 0; i < maps->count; i++)
		free(maps->regions[i].path);
	free(maps->regions);
	*maps = (struct maps){0};
}

const struct map_region *maps_find(const struct maps *maps, uintptr_t address)
{
	size_t low = 0, high = maps->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address >= maps->regions[middle].end)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < maps->count && address >= maps->regions[low].start)
		return &maps->regions[low];
	return NULL;
}

bool maps_covers(const struct maps *maps, uintptr_t start, uintptr_t end, int prot)
{
	while (start < end) {
		const struct map_region *region = maps_find(maps, start);

		if (!region || (region->prot & prot) != prot)
			return false;
		start = region->end;
	}
	return true;
}

static uintptr_t distance(uintptr_t a, uintptr_t b)
{
	return a > b ? a - b : b - a;
}

bool maps_find_hole(const struct maps *maps, uintptr_t low, uintptr_t high, uintptr_t wanted,
		    size_t size, uintptr_t *start)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t hole = LOWEST_ADDRESS, best = 0;
	bool found = false;

	size = (size + page - 1) & ~(page - 1);
	for (size_t i = 0; i <= maps->count; i++) {
		bool last = i == maps->count;
		uintptr_t hole_end = last ? high : maps->regions[i].start;
		uintptr_t from = hole > low ? hole : low;
		uintptr_t to = hole_end < high ? hole_end : high;

		/* One page of air on both sides: no neighbour's overrun reaches us. */
		if (from > UINTPTR_MAX - 2 * page)
			break; /* regions rise: nothing comes behind the last page */
		from = ((from + page - 1) & ~(page - 1)) + page;
		to = to > page ? (to & ~(page - 1)) - page : 0;
		if (from < to && to - from >= size) {
			uintptr_t last_start = to - size;
			uintptr_t at = wanted < from	     ? from
				       : wanted > last_start ? last_start
							     : wanted;

			at &= ~(page - 1);
			if (!found || distance(at, wanted) < distance(best, wanted)) {
				best = at;
				found = true;
			}
		}
		if (last)
			break;
		hole = maps->regions[i].end;
		if (strcmp(maps->regions[i].path, "[heap]") == 0 &&
		    hole < UINTPTR_MAX - BRK_RESERVE)
			hole += BRK_RESERVE;
	}
	if (found)
		*start = best;
	return found;
}

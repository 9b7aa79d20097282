/* SPDX-License-Identifier: MIT */
/*
 * A process' memory map, read once from /proc. It is old news the moment it is read: other threads
 * may map and unmap. Whoever places something in a hole must use MAP_FIXED_NOREPLACE or check.
 */
#ifndef BASE_MAPS_H
#define BASE_MAPS_H

#include <suture/error.h>

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct map_region {
	uintptr_t start; /* bytes [start, end) */
	uintptr_t end;
	uint64_t offset; /* in the file */
	uint64_t inode;
	int prot;    /* PROT_READ | PROT_WRITE | PROT_EXEC */
	bool shared; /* MAP_SHARED */
	char *path;  /* owned; "" for anonymous, "[heap]", "[stack]"… as the kernel prints it */
};

struct maps {
	struct map_region *regions; /* owned, by rising address */
	size_t count;
};

/* Reads /proc/PID/maps (pid 0: our own). The caller calls maps_fini(). */
int maps_read(pid_t pid, struct maps *maps, struct suture_error *err);
void maps_fini(struct maps *maps);

/* The region that holds address, or NULL. */
const struct map_region *maps_find(const struct maps *maps, uintptr_t address);

/* True when all of [start, end) is mapped with at least prot. */
bool maps_covers(const struct maps *maps, uintptr_t start, uintptr_t end, int prot);

/*
 * The free page-aligned range of size bytes that lies wholly inside [low, high) and is nearest to
 * `wanted`. Leaves one page to both neighbours, stays above vm.mmap_min_addr, and keeps out of the
 * 256 MiB above the heap, into which brk() grows. Returns false when there is none.
 */
bool maps_find_hole(const struct maps *maps, uintptr_t low, uintptr_t high, uintptr_t wanted,
		    size_t size, uintptr_t *start);

#endif

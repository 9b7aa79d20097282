/* What reach.c takes from another unit. */
#ifndef TARGET_REACH_H
#define TARGET_REACH_H

struct purse {
	int coin;
	char owner[24];
};

extern int shared_count;
extern __thread int shared_per_thread;
extern struct purse *shared_purse;

int shared_double(int value);
const char *other_same_name(void);

#endif

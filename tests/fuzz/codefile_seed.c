/* SPDX-License-Identifier: MIT */
/*
 * A small shared object with everything in it that the reader of binaries looks at: symbols of all
 * kinds, versions wanted and defined, dynamic relocations, thread-local storage, a build-id. A seed
 * for its fuzzer.
 */
int getpid(void);
int work(int x);
int work_again(int x) __attribute__((alias("work")));
int (*resolve(void))(int);
int chosen(int x) __attribute__((ifunc("resolve")));

static __thread int calls;
static int held = 7;
int zeros[4];
const char *const words[] = {"one", "two"};
int (*slot)(void) = getpid;
int *where = &held;

static int hidden(int x)
{
	return x * held + ++calls;
}

int work(int x)
{
	return hidden(x) + zeros[x & 3] + *words[x & 1] + getpid() + slot() + *where;
}

int (*resolve(void))(int)
{
	return hidden;
}

/* C++ calls C calls C++. */
#ifndef TARGET_THROWS_H
#define TARGET_THROWS_H

#ifdef __cplusplus
extern "C" {
#endif

int middle(int (*inner)(int), int value, int *cleaned);

#ifdef __cplusplus
}
#endif

#endif

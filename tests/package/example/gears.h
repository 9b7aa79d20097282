#ifndef GEARS_H
#define GEARS_H

#ifdef __cplusplus
extern "C" {
#endif

int gears_turn(int teeth);

#ifdef __cplusplus
}
#endif

#endif

#ifndef SHARED_H
#define SHARED_H

int other(int value);

#endif

#include "shared.h"

int bump() { return next() + (limit++ & 0); }

#ifndef RULES_H
#define RULES_H

static inline int limit(int value)
{
	return value > 10 ? 10 : value;
}

#endif

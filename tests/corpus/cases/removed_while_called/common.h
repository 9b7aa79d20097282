/* What the files share. */
static inline int twice(int value)
{
	return value * 2;
}

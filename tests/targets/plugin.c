/*
 * A plugin of target-host, loaded and unloaded while it runs. Its constructor asks its own function,
 * so that what the constructor saw can be told.
 */
int plugin_value(int x);
int plugin_at_start;
static int calls;

__attribute__((noinline)) int plugin_value(int x)
{
	calls++;
	return 3 * x + calls;
}

__attribute__((constructor)) static void begin(void)
{
	plugin_at_start = plugin_value(10);
}

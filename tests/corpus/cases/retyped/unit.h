extern int total;
int total_of_others(int value);

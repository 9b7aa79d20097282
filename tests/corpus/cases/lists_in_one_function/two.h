ENTRY(small, 3)
ENTRY(large, 4)

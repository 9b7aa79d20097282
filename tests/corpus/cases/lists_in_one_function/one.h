ENTRY(red, 1)
ENTRY(green, 2)

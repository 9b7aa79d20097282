/* In every unit that includes it; the linker keeps the first one's. */
__attribute__((weak)) const unsigned char lower[8] = {0, 1, 2, 3, 4, 5, 6, 7};
__attribute__((weak)) const unsigned char upper[8] = {7, 6, 5, 4, 3, 2, 1, 0};

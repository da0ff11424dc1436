#include <stdio.h>
const char *level(void);
int main(void) { printf("%s\n", level()); return 0; }

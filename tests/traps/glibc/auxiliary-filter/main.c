#include <stdio.h>
const char *who(void);
int main(void) { printf("%s\n", who()); return 0; }

#include <stdio.h>
const char *outer(void);
int main(void) { printf("%s\n", outer()); return 0; }

#include <stdio.h>
#include <unistd.h>
int main(void) { printf("uid %d\n", (int)getuid()); return 0; }

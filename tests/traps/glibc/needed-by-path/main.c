#include <stdio.h>
int plain(void);
int main(void) { printf("%d\n", plain()); return 0; }

#include <stdio.h>
int count(int n);
int main(void) { printf("%d\n", count(2)); return 0; }

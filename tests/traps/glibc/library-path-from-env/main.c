#include <stdio.h>
int number1(void);
int number2(void);
int main(void) { printf("%d\n", number1() * 10 + number2()); return 0; }

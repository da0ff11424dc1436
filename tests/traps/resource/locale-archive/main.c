#include <locale.h>
#include <stdio.h>
int main(void) {
  printf("%s\n", setlocale(LC_ALL, "") ? "set" : "unknown");
  printf("%.2f\n", 3.14159);
  return 0;
}

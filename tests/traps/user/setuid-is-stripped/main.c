#include <stdio.h>
#include <unistd.h>
int main(void) {
  printf("%d %d\n", getuid(), geteuid());
  return 0;
}

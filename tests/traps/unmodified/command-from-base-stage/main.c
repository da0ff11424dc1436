#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int count, char **arguments) {
  char directory[256];
  printf("%s %s %d %s\n", getenv("GREETING"), arguments[count - 1], getuid(), getcwd(directory, sizeof directory));
  return 0;
}

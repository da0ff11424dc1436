#include <pwd.h>
#include <stdio.h>
#include <unistd.h>
int main(void) {
  struct passwd *me = getpwuid(getuid());
  printf("%d %s\n", getuid(), me ? me->pw_name : "?");
  return 0;
}

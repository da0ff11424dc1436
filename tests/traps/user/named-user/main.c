#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(void) {
  struct passwd *me = getpwuid(getuid());
  struct group *group = getgrgid(getgid());
  printf("%s %d %s %d %s\n", me ? me->pw_name : "?", getuid(), group ? group->gr_name : "?", getgid(), getenv("HOME"));
  FILE *file = fopen("/srv/shared/file", "r");
  char line[32] = "not readable\n";
  if (file) fgets(line, sizeof line, file);
  fputs(line, stdout);
  return 0;
}

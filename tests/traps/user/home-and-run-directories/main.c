#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
int main(void) {
  const char *paths[] = {getenv("HOME"), "/run/app", "/var/log/app", "/var/cache/app"};
  for (int i = 0; i < 4; i++) {
    struct stat of = {0};
    int missing = stat(paths[i], &of);
    printf("%s %s %d:%d %o\n", paths[i], missing ? "missing" : "there", of.st_uid, of.st_gid, of.st_mode & 07777);
  }
  return 0;
}

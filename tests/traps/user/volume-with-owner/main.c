#include <stdio.h>
#include <sys/stat.h>
int main(void) {
  struct stat of;
  stat("/data", &of);
  printf("%d:%d %o\n", of.st_uid, of.st_gid, of.st_mode & 07777);
  char line[32] = "no seed\n";
  FILE *seed = fopen("/data/seed", "r");
  if (seed) fgets(line, sizeof line, seed);
  fputs(line, stdout);
  FILE *file = fopen("/data/new", "w");
  puts(file ? "writable" : "not writable");
  return 0;
}

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
int main(void) {
  struct stat of;
  stat("secret.txt", &of);
  printf("%d:%d %d:%d %o\n", getuid(), getgid(), of.st_uid, of.st_gid, of.st_mode & 07777);
  FILE *file = fopen("secret.txt", "r");
  char line[64] = "not readable\n";
  if (file) fgets(line, sizeof line, file);
  fputs(line, stdout);
  return 0;
}

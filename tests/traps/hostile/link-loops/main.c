#include <dirent.h>
#include <stdio.h>
#include <unistd.h>
static void show(const char *directory) {
  struct dirent **entries;
  int found = scandir(directory, &entries, NULL, alphasort);
  for (int i = 0; i < found; i++) {
    char path[512], target[512] = "";
    snprintf(path, sizeof path, "%s/%s", directory, entries[i]->d_name);
    if (readlink(path, target, sizeof target - 1) < 0) target[0] = '\0';
    printf("%s -> %s\n", path, target);
  }
}
int main(void) {
  show(".");
  show("chain");
  return 0;
}

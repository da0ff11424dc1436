#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
int main(int count, char **arguments) {
  struct dirent **entries;
  int found = scandir(arguments[count - 1], &entries, NULL, alphasort);
  for (int i = 0; i < found; i++) {
    char path[4096];
    if (!strstr(entries[i]->d_name, ".so")) continue;
    snprintf(path, sizeof path, "%s/%s", arguments[count - 1], entries[i]->d_name);
    void *plugin = dlopen(path, RTLD_NOW);
    const char *(*name)(void) = plugin ? (const char *(*)(void))dlsym(plugin, "name") : NULL;
    printf("%s: %s\n", entries[i]->d_name, name ? name() : dlerror());
  }
  return 0;
}

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
int main(void) {
  void *plugin = dlopen(getenv("PLUGIN"), RTLD_NOW);
  const char *(*hello)(void) = plugin ? (const char *(*)(void))dlsym(plugin, "hello") : NULL;
  puts(hello ? hello() : "no plugin");
  time_t summer = 1750000000;
  char text[16];
  strftime(text, sizeof text, "%Z %H", localtime(&summer));
  puts(text);
  return 0;
}

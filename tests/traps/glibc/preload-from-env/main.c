// Which allocator is in use.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
int main(void) {
  Dl_info info;
  void *function = dlsym(RTLD_DEFAULT, "malloc");
  dladdr(function, &info);
  printf("%s %s\n", strrchr(info.dli_fname, '/'), dlsym(RTLD_DEFAULT, "mallctl") ? "jemalloc" : "none");
  return 0;
}

#include <dlfcn.h>
#include <stdio.h>
int main(void) {
  void *library = dlopen("libsqlite3.so.0", RTLD_NOW);
  if (!library) {
    puts(dlerror());
    return 1;
  }
  const char *(*version)(void) = (const char *(*)(void))dlsym(library, "sqlite3_libversion");
  puts(version());
  return 0;
}

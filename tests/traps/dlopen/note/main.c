#include <dlfcn.h>
#include <stdio.h>
__asm__(".pushsection .note.dlopen, \"a\", %note\n"
        ".balign 4\n.long 4\n.long 2f - 1f\n.long 0x407c0c0a\n.asciz \"FDO\"\n"
        "1: .asciz \"[{\\\"feature\\\":\\\"zip\\\",\\\"description\\\":\\\"compression\\\",\\\"priority\\\":\\\"recommended\\\",\\\"soname\\\":[\\\"libz.so.1\\\"]}]\"\n"
        "2:\n.balign 4\n.popsection\n");
int main(void) {
  char name[32];
  snprintf(name, sizeof name, "lib%c.so.%d", 'z', 1);
  void *library = dlopen(name, RTLD_NOW);
  puts(library ? "opened" : dlerror());
  return 0;
}

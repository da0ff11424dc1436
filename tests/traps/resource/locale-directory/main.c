#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <wchar.h>
int main(void) {
  setlocale(LC_ALL, "");
  wchar_t wide[8];
  printf("%s %zd\n", nl_langinfo(CODESET), mbstowcs(wide, "h\xc3\xa9", 8));
  return 0;
}

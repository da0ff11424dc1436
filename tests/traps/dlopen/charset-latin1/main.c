#include <iconv.h>
#include <stdio.h>
#include <string.h>
int main(void) {
  iconv_t converter = iconv_open("UTF-8", "ISO-8859-1");
  if (converter == (iconv_t)-1) {
    perror("iconv_open");
    return 1;
  }
  char in_text[] = "caf\xe9", out_text[64] = "";
  char *in = in_text, *out = out_text;
  size_t in_left = strlen(in_text), out_left = sizeof out_text - 1;
  if (iconv(converter, &in, &in_left, &out, &out_left) == (size_t)-1) {
    perror("iconv");
    return 1;
  }
  puts(out_text);
  return 0;
}

// As web servers do it: the type of a suffix.
#include <stdio.h>
#include <string.h>
int main(void) {
  FILE *file = fopen("/etc/mime.types", "r");
  char line[1024], *word;
  while (file && fgets(line, sizeof line, file)) {
    char *type = strtok(line, " \t\n");
    while (type && (word = strtok(NULL, " \t\n")))
      if (!strcmp(word, "odt")) puts(type);
  }
  return file ? 0 : 1;
}

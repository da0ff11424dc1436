#include <locale.h>
#include <stdio.h>
#include <time.h>

int main(int count, char **words) {
    char text[64];
    struct tm day = {.tm_mday = 14, .tm_mon = 9, .tm_year = 123};
    printf("%d\n", setlocale(LC_ALL, count > 1 ? words[1] : "") != NULL);
    strftime(text, sizeof text, "%B", &day);
    puts(text);
}

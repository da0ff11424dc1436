#include <stdio.h>

int count(const char *path);

int main(void)
{
	printf("%d words, %d settings\n", count("data/words.txt"), count("words.conf"));
	return 0;
}

#include <stdio.h>

int main(int count, char **paths)
{
	for (int at = 1; at < count; at++) {
		FILE *file = fopen(paths[at], "r");
		printf("%s %s\n", paths[at], file ? "there" : "missing");
	}
	return 0;
}

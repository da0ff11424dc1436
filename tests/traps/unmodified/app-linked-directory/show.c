#include <stdio.h>

int main(int count, char **paths)
{
	char line[256];
	for (int at = 1; at < count; at++) {
		FILE *file = fopen(paths[at], "r");
		printf("%s: %s", paths[at], file && fgets(line, sizeof line, file) ? line : "missing\n");
	}
	return 0;
}

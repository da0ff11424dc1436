#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void show(const char *path)
{
	char line[256] = "missing\n";
	FILE *file = fopen(path, "r");
	if (file && !fgets(line, sizeof line, file))
		strcpy(line, "empty\n");
	printf("%s: %s", path, line);
}

int main(void)
{
	char model[128] = "", zones[128] = "";
	FILE *settings = fopen("/etc/lookup.ini", "r");
	if (!settings || fscanf(settings, "model = %127s", model) != 1)
		return 1;
	snprintf(zones, sizeof zones, "%s/zones.db", getenv("GEO_DATABASE"));
	show(model);
	show(zones);
	show("/usr/local/share/words.txt");
	return 0;
}

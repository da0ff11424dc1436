#include <pwd.h>
#include <stdio.h>
int main(void) {
  for (int i = 0; i < 2; i++) {
    struct passwd *user = getpwnam(i ? "kim" : "nobody");
    printf("%d\n", user ? (int)user->pw_uid : -1);
  }
  return 0;
}

#define JOIN(a, b) a##b
#define NAME(n) JOIN(number, n)
int NAME(N)(void) { return N; }

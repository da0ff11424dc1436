int b(void);
int answer(void) { return b() * 6; }

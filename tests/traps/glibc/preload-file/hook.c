int getppid(void) { return 4242; }

const char *level(void) { return LEVEL; }

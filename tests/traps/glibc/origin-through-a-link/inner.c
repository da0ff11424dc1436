const char *inner(void) { return NAME; }

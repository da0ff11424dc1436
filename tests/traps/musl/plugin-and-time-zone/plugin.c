const char *hello(void) { return "from the plugin"; }

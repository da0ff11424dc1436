#pragma once
#include <string>

// Says hello to a name; lives in libgreet.so.
std::string greet(const std::string &name);

#include "greet.h"

#include <locale>
#include <sstream>

std::string greet(const std::string &name) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text << "Hello, " << name << "! " << 6 * 7;
  return text.str();
}

#include <sstream>
#include <stdexcept>
#include <string>
std::string count(int to) {
  if (to > 100) throw std::runtime_error("too many");
  std::ostringstream text;
  for (int i = 1; i <= to; i++) text << i << " ";
  return text.str();
}

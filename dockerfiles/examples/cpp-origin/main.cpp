#include <iostream>
#include <stdexcept>

#include "greet.h"

int main() {
  try {
    std::cout << greet("C++") << std::endl;
    throw std::runtime_error("exceptions cross libraries");
  } catch (const std::exception &error) {
    std::cout << error.what() << std::endl;
  }
}

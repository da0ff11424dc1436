#include <iostream>
#include <string>
std::string count(int to);
int main(int number, char **arguments) {
  std::cout << count(std::stoi(arguments[number - 1])) << "\n";
  try {
    count(1000);
  } catch (const std::exception &error) {
    std::cout << error.what() << "\n";
  }
}

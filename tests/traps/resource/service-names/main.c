#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
int main(void) {
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
  int error = getaddrinfo("127.0.0.1", "http", &hints, &found);
  printf("%d\n", error ? error : ntohs(((struct sockaddr_in *)found->ai_addr)->sin_port));
  struct protoent *protocol = getprotobyname("udp");
  printf("%d\n", protocol ? protocol->p_proto : -1);
  return 0;
}

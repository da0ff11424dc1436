// Three things that no linker entry shows: a name look-up (getaddrinfo reads nsswitch.conf and services),
// a charset conversion (iconv loads a gconv module) and a library opened by name (dlopen of zlib).
#include <arpa/inet.h>
#include <dlfcn.h>
#include <iconv.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

static int look_up(void) {
  struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found;
  int error = getaddrinfo("127.0.0.1", "https", &hints, &found);
  if (error != 0) {
    printf("getaddrinfo: %s\n", gai_strerror(error));
    return 1;
  }
  struct sockaddr_in *address = (struct sockaddr_in *)found->ai_addr;
  printf("https is port %d\n", ntohs(address->sin_port));
  freeaddrinfo(found);
  return 0;
}

static int convert(void) {
  iconv_t converter = iconv_open("UTF-8", "ISO-8859-1");
  if (converter == (iconv_t)-1) {
    perror("iconv_open");
    return 1;
  }
  char latin[] = "caf\xe9", utf8[16] = "";
  char *in = latin, *out = utf8;
  size_t in_left = strlen(latin), out_left = sizeof utf8 - 1;
  if (iconv(converter, &in, &in_left, &out, &out_left) == (size_t)-1) {
    perror("iconv");
    return 1;
  }
  printf("converted: %s\n", utf8);
  iconv_close(converter);
  return 0;
}

static int open_library(void) {
  void *zlib = dlopen("libz.so.1", RTLD_NOW);
  if (zlib == NULL) {
    printf("dlopen: %s\n", dlerror());
    return 1;
  }
  const char *(*version)(void) = (const char *(*)(void))dlsym(zlib, "zlibVersion");
  printf("zlib opened: %s\n", version != NULL && version()[0] != '\0' ? "yes" : "no");
  return 0;
}

int main(void) { return look_up() | convert() | open_library(); }

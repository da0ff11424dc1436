#include <openssl/evp.h>
#include <stdio.h>
int main(void) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_MD *md4 = EVP_MD_fetch(NULL, "MD4", NULL);
  puts(md4 && EVP_Digest("abc", 3, digest, &length, md4, NULL) ? "md4 works" : "no md4");
  return 0;
}

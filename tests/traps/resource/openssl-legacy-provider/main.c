#include <openssl/evp.h>
#include <openssl/provider.h>
#include <stdio.h>
int main(void) {
  OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(NULL, "legacy");
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  const EVP_MD *md4 = legacy ? EVP_get_digestbyname("md4") : NULL;
  if (!md4 || !EVP_Digest("abc", 3, digest, &length, md4, NULL)) {
    puts("no md4");
    return 1;
  }
  for (unsigned i = 0; i < length; i++) printf("%02x", digest[i]);
  puts("");
  return 0;
}

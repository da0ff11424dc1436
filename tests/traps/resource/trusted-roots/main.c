// Whether a certificate is trusted by the authorities that OpenSSL finds at its default places.
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdio.h>
int main(int count, char **arguments) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_default_verify_paths(context);
  FILE *file = fopen(arguments[count - 1], "r");
  X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
  X509_STORE_CTX *check = X509_STORE_CTX_new();
  X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(context), certificate, NULL);
  int trusted = X509_verify_cert(check);
  puts(trusted == 1 ? "trusted" : X509_verify_cert_error_string(X509_STORE_CTX_get_error(check)));
  return trusted == 1 ? 0 : 1;
}

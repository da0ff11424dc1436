#include <security/pam_appl.h>
#include <stdio.h>
static int talk(int count, const struct pam_message **messages, struct pam_response **answers, void *data) {
  (void)count, (void)messages, (void)answers, (void)data;
  return PAM_CONV_ERR;
}
int main(void) {
  struct pam_conv conversation = {talk, NULL};
  pam_handle_t *handle;
  int status = pam_start("app", "nobody", &conversation, &handle);
  if (status == PAM_SUCCESS) status = pam_authenticate(handle, 0);
  puts(status == PAM_SUCCESS ? "let in" : pam_strerror(handle, status));
  return 0;
}

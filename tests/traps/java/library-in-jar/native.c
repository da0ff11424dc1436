#include <jni.h>
#include <uuid/uuid.h>

JNIEXPORT jint JNICALL Java_Main_uuidLength(JNIEnv *env, jclass type) {
  uuid_t uuid;
  char text[37];
  (void)env;
  (void)type;
  uuid_generate(uuid);
  uuid_unparse(uuid, text);
  int length = 0;
  while (text[length]) length++;
  return length;
}

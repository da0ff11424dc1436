#include <node_api.h>
#include <sqlite3.h>

static napi_value version(napi_env env, napi_callback_info info) {
  napi_value text;
  (void)info;
  napi_create_string_utf8(env, sqlite3_libversion(), NAPI_AUTO_LENGTH, &text);
  return text;
}

NAPI_MODULE_INIT() {
  napi_value function;
  napi_create_function(env, "version", NAPI_AUTO_LENGTH, version, NULL, &function);
  napi_set_named_property(env, exports, "version", function);
  return exports;
}

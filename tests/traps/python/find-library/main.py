import ctypes
import ctypes.util

name = ctypes.util.find_library("magic")
magic = ctypes.CDLL(name)
magic.magic_open.restype = ctypes.c_void_p
cookie = magic.magic_open(0)
loaded = magic.magic_load(ctypes.c_void_p(cookie), None)
magic.magic_file.restype = ctypes.c_char_p
print(name, loaded, magic.magic_file(ctypes.c_void_p(cookie), b"/app/main.py"))
sodium = ctypes.CDLL("libsodium.so.23")
sodium.sodium_version_string.restype = ctypes.c_char_p
print(sodium.sodium_version_string())

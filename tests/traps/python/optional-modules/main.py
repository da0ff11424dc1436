import importlib
import sqlite3

import curses
import dbm
import readline

print(sqlite3.connect(":memory:").execute("select 1 + 1").fetchone())
print(curses.tigetstr.__name__, readline.get_history_length(), dbm.whichdb("/nothing"))
for name in ["bz2", "ctypes", "decimal", "hashlib", "lzma", "multiprocessing", "pyexpat", "ssl", "unittest", "uuid", "zlib"]:
    print(name, bool(importlib.import_module(name)))
try:
    import tkinter
except ImportError as error:
    print(error)

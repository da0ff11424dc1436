import sqlite3, sys
print("check", sys.argv[1:], sqlite3.connect(":memory:").execute("select 2+2").fetchone())

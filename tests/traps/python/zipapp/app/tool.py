import sqlite3
import sys

import idna


def main():
    print(idna.encode(sys.argv[1]).decode(), sqlite3.sqlite_version_info > (3,))

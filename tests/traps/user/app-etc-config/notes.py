import configparser, os, pwd, stat

config = configparser.ConfigParser()
config.read("/etc/notes/notes.ini")
store = config["notes"]["store"]
info = os.stat(store)
print(config["notes"]["title"], store, pwd.getpwuid(info.st_uid).pw_name, oct(stat.S_IMODE(info.st_mode)))
print(os.path.expanduser("~"), os.path.isdir(os.path.expanduser("~")))

import os, sys
path = [os.path.expanduser("~/nltk_data"), "/usr/share/nltk_data"]
def find(n):
    for p in path:
        if os.path.exists(p + "/" + n): return open(p + "/" + n).read()
    return "none"
if __name__ == "__main__":
    os.makedirs(path[0], exist_ok=True); open(path[0] + "/" + sys.argv[1], "w").write("corpus")

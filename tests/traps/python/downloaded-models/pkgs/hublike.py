import os
default_home = os.path.join(os.path.expanduser("~"), ".cache")
HF_HOME = os.path.expandvars(os.path.expanduser(os.getenv("HF_HOME", os.path.join(os.getenv("XDG_CACHE_HOME", default_home), "huggingface"))))
def download(n):
    os.makedirs(HF_HOME + "/hub/models--" + n, exist_ok=True)
    open(HF_HOME + "/hub/models--" + n + "/model.bin", "w").write("weights of " + n)
def load(n):
    return open(HF_HOME + "/hub/models--" + n + "/model.bin").read()

import cowsay
import getpass
import importlib.metadata
import site

cowsay.cow("mine")
print(getpass.getuser(), site.getusersitepackages(), importlib.metadata.version("cowsay"))

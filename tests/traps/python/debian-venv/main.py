import ssl
import sys
import sysconfig

assert sys.prefix == "/opt/venv", sys.prefix
print(sys.base_prefix, sys.executable, sysconfig.get_path("stdlib"), len(ssl.create_default_context().get_ca_certs()))

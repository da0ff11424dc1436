import pkg_resources

print(pkg_resources.get_distribution("cowsay").version)
import distutils.version

print(distutils.version.LooseVersion("1.2") < distutils.version.LooseVersion("1.10"))

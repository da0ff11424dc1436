import importlib.machinery
import os

compiled = []
original = importlib.machinery.SourceFileLoader.source_to_code


def watched(self, data, path, **options):
    compiled.append(os.path.basename(path))
    return original(self, data, path, **options)


importlib.machinery.SourceFileLoader.source_to_code = watched
import click
import helper
import stale

print(click.__name__, helper.value, stale.value)
print([name for name in compiled if name in ("core.py", "helper.py", "stale.py")])

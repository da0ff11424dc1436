import importlib.metadata
import importlib.resources


def run():
    print(importlib.metadata.version("shop"), importlib.resources.files("shop").joinpath("data.txt").read_text())

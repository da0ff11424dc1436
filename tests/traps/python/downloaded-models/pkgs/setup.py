from setuptools import setup
setup(name="likes", version="1", py_modules=["hublike", "corpuslike"])

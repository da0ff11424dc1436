import numpy
from scipy import linalg

print(linalg.det(numpy.eye(3)))

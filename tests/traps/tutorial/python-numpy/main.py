import numpy as np
import numpy.testing

matrix = np.array([[2.0, 0.0], [0.0, 4.0]])
numpy.testing.assert_allclose(np.linalg.inv(matrix), [[0.5, 0], [0, 0.25]])
print(np.fft.fft(np.arange(4)), np.random.default_rng(7).integers(0, 10, 5), np.float64("1e3"))

import concurrent.futures
import multiprocessing

from tasks import add


def square(number):
    return number * number


if __name__ == "__main__":
    print(add.delay(4, 4).get())
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        print(list(pool.map(square, range(4))))

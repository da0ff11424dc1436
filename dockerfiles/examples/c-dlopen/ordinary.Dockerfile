# The same program as an ordinary image.
FROM gcc:12
COPY main.c .
RUN gcc -O2 -o /usr/local/bin/evidence main.c
CMD ["evidence"]

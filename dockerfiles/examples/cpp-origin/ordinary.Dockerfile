# The same program as an ordinary image.
FROM gcc:12
WORKDIR /src
COPY . .
RUN mkdir -p /opt/greeter/bin /opt/greeter/lib \
 && g++ -O2 -shared -fPIC -o /opt/greeter/lib/libgreet.so greet.cpp \
 && g++ -O2 -o /opt/greeter/bin/greeter main.cpp -L/opt/greeter/lib -lgreet -Wl,-rpath,'$ORIGIN/../lib'
ENTRYPOINT ["/opt/greeter/bin/greeter"]

# The same program as an ordinary image.
FROM golang:1.26
WORKDIR /go/src/app
COPY . .
RUN CGO_ENABLED=0 go build -o /go/bin/app
CMD ["/go/bin/app"]

import os
import socket

import flask

app = flask.Flask(__name__)


@app.route("/")
def index():
    redis = socket.create_connection(("127.0.0.1", 6379))
    redis.sendall(b"PING\r\n")
    return redis.recv(99).decode().strip() + " " + os.environ["GREETING"]


app.run(port=5000)

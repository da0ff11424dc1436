import sys

from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return f"prefix {sys.prefix}, base {sys.base_prefix}\n"


@app.get("/later")
def later():
    # What a server imports only when it is asked for.
    import asyncio, decimal, email.mime.text, hashlib, http.client, json, logging.config, multiprocessing, xml.etree

    return hashlib.sha256(b"x").hexdigest() + "\n"

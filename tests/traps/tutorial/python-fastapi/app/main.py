from fastapi import FastAPI
from pydantic import BaseModel

from .store import items

app = FastAPI()


class Item(BaseModel):
    name: str
    price: float


@app.get("/")
def read_root():
    return {"hello": "world"}


@app.post("/items")
def create_item(item: Item):
    items.append(item)
    return {"count": len(items), "item": item}

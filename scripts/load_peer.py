"""The peer of scripts/load: FastAPI and LightGBM, tuned (async handler, numpy row, one thread)."""

import os

import lightgbm
import numpy
from fastapi import FastAPI, Request

app = FastAPI()
booster = lightgbm.Booster(model_file=os.environ["MODEL"])


@app.get("/livez")
async def livez():
    return {}


@app.post("/infer")
async def infer(request: Request):
    body = await request.json()
    row = numpy.asarray(body["inputs"][0]["data"], dtype=numpy.float32).reshape(1, -1)
    return {"outputs": [{"name": "score", "data": booster.predict(row, num_threads=1).tolist()}]}

"""Writes what scripts/load sends: a table, models of it for the service and the peer, and wrk scripts."""

import csv
import json
import pathlib
import random
import subprocess
import sys

work, diffrisk = pathlib.Path(sys.argv[1]), sys.argv[2]
dice = random.Random(7)
N_FEATURES = 40
with (work / "table.csv").open("w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow([f"f{n}" for n in range(N_FEATURES)] + ["label", "t", "id"])
    for t in range(6000):
        row = [round(dice.gauss(0, 1), 4) for _ in range(N_FEATURES)]
        odds = row[0] + row[1] * row[2] - row[3] + dice.gauss(0, 1) - 1.5
        writer.writerow(row + [int(odds > 0), t, f"c{t}"])
subprocess.run(
    [diffrisk, "train", "--data", work / "table.csv", "--label", "label", "--time", "t", "--id", "id",
     "--prior", "none", "--out", work / "table"], check=True, stdout=sys.stderr)
peer = """
import csv, sys, lightgbm, numpy
rows = list(csv.DictReader(open(sys.argv[1] + "/table.csv")))
names = [f"f{n}" for n in range(40)]
x = numpy.array([[float(row[name]) for name in names] for row in rows])
y = numpy.array([int(row["label"]) for row in rows])
booster = lightgbm.train({"objective": "binary", "verbosity": -1, "num_leaves": 31}, lightgbm.Dataset(x, y), 300)
booster.save_model(sys.argv[1] + "/peer.txt")
"""
venv = pathlib.Path(diffrisk).parent.parent / "load-venv/bin/python"
subprocess.run([venv, "-c", peer, work], check=True)
values = [round(dice.gauss(0, 1), 4) for _ in range(N_FEATURES)]
# The service's model may take ranks beside values: what it wants, in its own order.
schema = json.loads((work / "table/model.json").read_text())["schema"]
n_inputs = len(schema)
tensor = {"name": "vector", "datatype": "FP32", "shape": [1, n_inputs], "data": (values * 4)[:n_inputs]}
row = json.dumps({"inputs": [tensor]})
peer_row = json.dumps({"inputs": [{"data": values}]})
lines = [f"-key_{n}: {n}\n+key_{n}: {n + 1}\n" for n in range(38)]
diff = "--- a/app/web.yaml\n+++ b/app/web.yaml\n@@ -1,38 +1,38 @@\n" + "".join(lines)
name = json.loads((work / "table/model.json").read_text())["name"]
print(f"{n_inputs} inputs; a diff of {len(diff)} bytes")


def script(file, path, body):
    (work / file).write_text(f'wrk.method = "POST"\nwrk.path = "{path}"\nwrk.body = [=[{body}]=]\n'
                             'wrk.headers["Content-Type"] = "application/json"\n')


script("row.lua", f"/v2/models/{name}/infer", row)
script("floor.lua", "/infer", peer_row)
script("peer.lua", "/infer", peer_row)
# Every question is another one, so that each is scored and recorded.
body = json.dumps({"change": {"repo": "shop", "author": "a@example.org", "message": "NNN", "diff": diff},
                   "features": {"x.load": 3.0}})
(work / "score.lua").write_text(f'''
local body = [=[{body}]=]
local seed = os.time() * 1000
request = function()
  seed = seed + 1
  return wrk.format("POST", "/v1/score", {{["Content-Type"] = "application/json"}}, (body:gsub("NNN", seed)))
end
''')

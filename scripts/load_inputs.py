"""Writes what scripts/load sends: a table, models of it for the service and the peer, and wrk scripts."""

import csv
import json
import pathlib
import random
import subprocess
import sys

import wrk_questions

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
# 1 kB as `git diff` writes it, with somewhat more edits than most such changes of configuration have.
diff = """diff --git a/charts/shop/values.yaml b/charts/shop/values.yaml
index 3f1c2aa..9b07d41 100644
--- a/charts/shop/values.yaml
+++ b/charts/shop/values.yaml
@@ -18,7 +18,7 @@ image:
   pullPolicy: IfNotPresent
 
 # One for each zone, and one to spare.
-replicas: 4
+replicas: 6
 
 service:
   port: 8443
@@ -41,7 +41,7 @@ resources:
   limits:
     cpu: "2"
     memory: 1Gi
-    ephemeral-storage: 2Gi
+    ephemeral-storage: 4Gi
   requests:
     cpu: 500m
     memory: 512Mi
@@ -63,13 +63,14 @@ upstream:
   orders:
     host: orders.internal.example.org
     port: 443
-    timeout: 2500ms
+    timeout: 1500ms
+    retries: 2
     keepalive: 30s
     circuitBreaker:
       maxRequests: 512
       interval: 10s
   payments:
-    host: payments.internal.example.org
+    host: payments-2.internal.example.org
     port: 443
     timeout: 2500ms
     keepalive: 30s
@@ -96,3 +97,4 @@ ingress:
     - secretName: shop-example-org
       hosts:
         - shop.example.org
+        - www.shop.example.org
"""
# As many bytes of nothing but edits.
lines = [f"-key_{n}: {n}\n+key_{n}: {n + 1}\n" for n in range(38)]
packed_diff = "--- a/app/web.yaml\n+++ b/app/web.yaml\n@@ -1,38 +1,38 @@\n" + "".join(lines)
name = json.loads((work / "table/model.json").read_text())["name"]
print(f"{n_inputs} inputs; diffs of {len(diff)} and {len(packed_diff)} bytes")


def script(file, path, body):
    (work / file).write_text(f'wrk.method = "POST"\nwrk.path = "{path}"\nwrk.body = [=[{body}]=]\n'
                             'wrk.headers["Content-Type"] = "application/json"\n')


script("row.lua", f"/v2/models/{name}/infer", row)
script("floor.lua", "/infer", peer_row)
script("peer.lua", "/infer", peer_row)
for file, text in (("score.lua", diff), ("packed.lua", packed_diff)):
    (work / file).write_text(wrk_questions.script(text))

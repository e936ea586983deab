#!/usr/bin/env python3
"""Compares the contributions of boosted trees with those of LightGBM and XGBoost, and the time a row takes.

Usage: scripts/contributions.py [ROWS.parquet]

Trains 300 trees with each library, hands the very same trees and rows to the example `contributions` (built
here with cargo), and compares what all say of 2,000 rows, one thread each, the fastest of five rounds (theirs in CPU time). The
rows are made up (40 columns, a tenth of the values unknown) unless a file of `diffrisk mine` is given: then
its newest 2,000 changes are compared. Needs Python 3.10 with numpy, lightgbm, xgboost, and polars for a file:

    python3 -m venv venv && venv/bin/pip install numpy lightgbm xgboost polars
    venv/bin/python scripts/contributions.py
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import lightgbm
import numpy
import xgboost

N_TREES, N_TEST, N_ROUNDS = 300, 2000, 5
ROOT = Path(__file__).resolve().parent.parent


def made_up():
    """20,000 rows of 40 columns with unknown values, and labels that a few of them explain."""
    draw = numpy.random.default_rng(7)
    features = draw.exponential(1.0, (20_000, 40)).astype(numpy.float32)
    margin = features[:, 0] - features[:, 1] * features[:, 2] + (features[:, 3] > 1.5) - 1.5
    label = (draw.random(len(margin)) < 1.0 / (1.0 + numpy.exp(-margin))).astype(float)
    features[draw.random(features.shape) < 0.1] = numpy.nan
    return features, label


def mined(path):
    """Features and labels in the order of time; columns that are no features are left out."""
    import polars

    frame = polars.read_parquet(path)
    first = frame.columns.index("tokens") + 1
    features = frame[frame.columns[first:]].to_numpy().astype(numpy.float32)
    return features, frame["label_raw"].cast(polars.Float64).fill_null(0.0).to_numpy()


def at_most(threshold):
    """The largest f32 that is not above a double: for f32 values the same comparison."""
    with numpy.errstate(over="ignore"):
        rounded = numpy.float32(threshold)
    if float(rounded) > threshold:
        rounded = numpy.nextafter(rounded, numpy.float32(-numpy.inf))
    return float(rounded)


class Trees:
    """Trees in the layout of an artifact: a child stands after its parent, a leaf is `-1 - index`."""

    def __init__(self, n_features, base):
        self.document = {"n_features": n_features, "base": base, "trees": []}

    def add(self, root, read):
        """`read(node)` answers (feature, threshold, missing_left, left, right), or (value, cover)."""
        nodes, leaves = [], []

        def place(node):
            said = read(node)
            if len(said) == 2:
                leaves.append([float(said[0]), float(said[1])])
                return -len(leaves)
            idx = len(nodes)
            nodes.append(None)
            feature, threshold, missing_left, left, right = said
            nodes[idx] = [feature, threshold, int(missing_left), place(left), place(right)]
            return idx

        place(root)
        self.document["trees"].append({"nodes": nodes, "leaves": leaves})


def of_lightgbm(booster, n_features):
    trees = Trees(n_features, 0.0)

    def read(node):
        if "leaf_value" in node:
            return node["leaf_value"], node["leaf_count"]
        # Without unknown values in training LightGBM reads one as zero.
        reads_zero = node["missing_type"] == "None"
        missing_left = 0.0 <= node["threshold"] if reads_zero else node["default_left"]
        left, right = node["left_child"], node["right_child"]
        return node["split_feature"], at_most(node["threshold"]), missing_left, left, right

    for tree in booster.dump_model()["tree_info"]:
        trees.add(tree["tree_structure"], read)
    return trees


def of_xgboost(booster, n_features):
    learner = json.loads(booster.save_raw("json"))["learner"]
    share = float(re.sub(r"[\[\]]", "", learner["learner_model_param"]["base_score"]))
    trees = Trees(n_features, float(numpy.log(share / (1.0 - share))))
    for tree in learner["gradient_booster"]["model"]["trees"]:
        left, right = tree["left_children"], tree["right_children"]

        def read(node, tree=tree, left=left, right=right):
            condition = tree["split_conditions"][node]
            if left[node] < 0:
                return condition, tree["sum_hessian"][node]
            # XGBoost goes left below the threshold, an artifact up to and with it.
            threshold = float(numpy.nextafter(numpy.float32(condition), numpy.float32(-numpy.inf)))
            return tree["split_indices"][node], threshold, tree["default_left"][node], left[node], right[node]

        trees.add(0, read)
    return trees


def fastest(work, n_rows):
    """What the work gives, and the milliseconds of CPU a row of its fastest round."""
    seconds = []
    for _ in range(N_ROUNDS):
        started = time.process_time()
        result = work()
        seconds.append(time.process_time() - started)
    return result, 1000.0 * min(seconds) / n_rows


def ours(trees, rows, directory):
    document, plain, out = (directory / name for name in ("trees.json", "rows.f32", "out.f64"))
    document.write_text(json.dumps(trees.document))
    rows.tofile(plain)
    built = ["cargo", "run", "--release", "--locked", "-q", "--example", "contributions", "--"]
    command = shlex.split(os.environ["CONTRIBUTIONS"]) if "CONTRIBUTIONS" in os.environ else built
    run = subprocess.run([*command, document, plain, out], check=True, capture_output=True, text=True, cwd=ROOT)
    contributions = numpy.fromfile(out, dtype=numpy.float64).reshape(len(rows), -1)
    return contributions[:, 1:], contributions[:, 0], run.stdout.strip()


def report(name, theirs, ms, trees, rows, directory):
    contributions, base, said = ours(trees, rows, directory)
    print(f"{name}: {ms:.3f} ms a row; diffrisk on the same trees: {said}")
    apart = numpy.abs(contributions - theirs[:, :-1]).max()
    scale = numpy.abs(theirs[:, :-1]).max()
    print(f"  largest difference of {theirs[:, :-1].size:,} contributions {apart:.1e} (the largest is {scale:.2f}),", end=" ")
    print(f"of the base {numpy.abs(base - theirs[:, -1]).max():.1e}")


def main():
    features, label = mined(sys.argv[1]) if len(sys.argv) > 1 else made_up()
    n_features, train, test = features.shape[1], slice(0, len(label) - N_TEST), features[-N_TEST:]
    directory = Path(tempfile.mkdtemp())
    parameters = {"objective": "binary", "num_leaves": 31, "learning_rate": 0.05, "num_threads": 1, "verbose": -1}
    text = lightgbm.train(parameters, lightgbm.Dataset(features[train], label[train]), N_TREES).model_to_string()
    # An artifact keeps leaves as f32: LightGBM gets the same numbers.
    as_f32 = lambda match: "leaf_value=" + " ".join(repr(float(numpy.float32(v))) for v in match[1].split())
    # The sizes of the trees' texts are no longer those; without them LightGBM reads one tree after the other.
    text = re.sub(r"(?m)^tree_sizes=.*\n", "", re.sub(r"(?m)^leaf_value=(.*)$", as_f32, text))
    booster = lightgbm.Booster(model_str=text)
    rows = test.astype(numpy.float64)
    theirs, ms = fastest(lambda: booster.predict(rows, pred_contrib=True, num_threads=1), N_TEST)
    report("LightGBM pred_contrib", theirs, ms, of_lightgbm(booster, n_features), test, directory)

    parameters = {"objective": "binary:logistic", "max_depth": 6, "eta": 0.05, "nthread": 1, "tree_method": "hist"}
    forest = xgboost.train(parameters, xgboost.DMatrix(features[train], label[train]), N_TREES)
    theirs, ms = fastest(lambda: forest.predict(xgboost.DMatrix(test, nthread=1), pred_contribs=True), N_TEST)
    report("XGBoost pred_contribs", theirs, ms, of_xgboost(forest, n_features), test, directory)


if __name__ == "__main__":
    main()

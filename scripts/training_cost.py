#!/usr/bin/env python3
"""Compares what the boosted member costs to train with LightGBM, on the same mined rows in one run.

Usage: scripts/training_cost.py ROWS.parquet [ROUNDS]

Hands all columns of values of a file of `diffrisk mine` and the raw labels to the example `training_cost`
(built here with cargo) and to LightGBM with the same trees, leaves, fractions, penalty, bags and bins, one
thread each, in turn, each in a process of its own. Prints the medians of the CPU seconds of the fits, of peak
memory and of the mean log-loss on the rows (that both learned alike). Needs Python 3.10 with numpy, polars and lightgbm:

    python3 -m venv venv && venv/bin/pip install numpy polars lightgbm
    venv/bin/python scripts/training_cost.py rows.parquet
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy

ROOT = Path(__file__).resolve().parent.parent
# The default recipe of repositories: `Recipe::default` in src/train/recipe.rs.
N_TREES, N_BAGS = 200, 2
PARAMS = {
    "objective": "binary",
    "learning_rate": 0.03,
    "num_leaves": 6,
    "min_data_in_leaf": 60,
    "min_sum_hessian_in_leaf": 1e-3,
    "lambda_l2": 10.0,
    "feature_fraction": 0.25,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "max_bin": 255,
    "num_threads": 1,
    "verbose": -1,
}


def with_lightgbm(columns_path, labels_path):
    """CPU seconds of binning and fitting, peak MB, log-loss: as the example prints them."""
    import lightgbm

    labels = numpy.fromfile(labels_path, dtype=numpy.float32)
    rows = numpy.fromfile(columns_path, dtype=numpy.float32).reshape(-1, len(labels)).T
    started = time.process_time()
    data = lightgbm.Dataset(rows, labels)
    bags = [lightgbm.train(PARAMS | {"seed": seed}, data, N_TREES) for seed in range(1, N_BAGS + 1)]
    seconds = time.process_time() - started
    margin = numpy.mean([bag.predict(rows, raw_score=True) for bag in bags], axis=0)
    loss = numpy.log1p(numpy.exp(numpy.where(labels == 1, -margin, margin))).mean()
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, loss)


def inputs(path, directory):
    """Columns one after the other and labels, as plain numbers."""
    import polars

    frame = polars.read_parquet(path)
    features = frame[frame.columns[frame.columns.index("tokens") + 1 :]]
    columns_path, labels_path = directory / "columns.f32", directory / "labels.f32"
    with columns_path.open("wb") as out:
        for column in features:
            column.cast(polars.Float32).fill_null(float("nan")).to_numpy().tofile(out)
    labels = frame["label_raw"].cast(polars.Float32).fill_null(0.0).to_numpy()
    labels.tofile(labels_path)
    print(f"{frame.height} rows, {features.width} columns, {int(labels.sum())} positives")
    return columns_path, labels_path


def main():
    if sys.argv[1] == "--lightgbm":
        return with_lightgbm(*sys.argv[2:])
    n_rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    with tempfile.TemporaryDirectory() as directory:
        files = [str(path) for path in inputs(sys.argv[1], Path(directory))]
        commands = {
            "diffrisk": ["cargo", "run", "--release", "--locked", "-q", "--example", "training_cost", "--", *files],
            "LightGBM": [sys.executable, Path(__file__).resolve(), "--lightgbm", *files],
        }
        said = {name: [] for name in commands}
        for _ in range(n_rounds):
            for name, command in commands.items():
                out = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
                said[name].append([float(word) for word in out.split()])
    medians = {name: [statistics.median(column) for column in zip(*rounds)] for name, rounds in said.items()}
    for name, (seconds, peak_mb, loss) in medians.items():
        print(f"{name:10} {seconds:6.2f} CPU s {peak_mb:6.0f} MB  log-loss {loss:.5f}")
    print(f"ratio      {medians['diffrisk'][0] / medians['LightGBM'][0]:6.2f}")


if __name__ == "__main__":
    main()

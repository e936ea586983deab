#!/usr/bin/env python3
"""What counts of reverted changes would show of a model whose probabilities are right.

Takes reports of `diffrisk backtest --json`. Reverts are counted, and counts scatter: as Poisson's do around what is predicted,
where probabilities are small. Prints, for each report and for its periods of 90 days together, how likely right
probabilities were to be within the quotients aimed at, and to show percentiles as uniform as aimed at (Kolmogorov's
distribution with Stephens' correction for the number of changes).

    scripts/calibration_noise.py REPORT.json ...
"""

import json
import math
import sys

LOWEST, HIGHEST = 0.8, 1.25
MOST_KS = 0.05
LEAST_POSITIVES = 10


def chance(expected, holds):
    """Probability that a Poisson count around `expected` is one for which `holds` is true."""
    most = int(expected + 12 * math.sqrt(expected) + 30)
    log_pmf = [n * math.log(expected) - expected - math.lgamma(n + 1) for n in range(most)]
    return sum(math.exp(value) for n, value in enumerate(log_pmf) if holds(n))


def is_within(predicted, observed):
    return observed > 0 and LOWEST <= predicted / observed <= HIGHEST


def chance_of_uniform(n):
    """Probability that the percentiles of `n` changes, if uniform, have a KS statistic of at most MOST_KS."""
    scaled = (math.sqrt(n) + 0.12 + 0.11 / math.sqrt(n)) * MOST_KS
    terms = ((-1) ** (k - 1) * math.exp(-2 * (k * scaled) ** 2) for k in range(1, 101))
    return 1 - 2 * sum(terms)


def main(paths):
    all_within, of_periods = 1.0, [0, 0, 0.0, 0.0]
    print("predicted observed quotient | right ones: within, uniform |")
    for path in paths:
        with open(path, encoding="utf-8") as file:
            report = json.load(file)
        periods = report["periods"]
        predicted = sum(period["predicted"] for period in periods)
        observed = sum(period["observed"] for period in periods)
        within = chance(predicted, lambda n, predicted=predicted: is_within(predicted, n))
        all_within *= within
        percentile = report["percentile"]
        uniform = chance_of_uniform(percentile["n"])
        quotient = predicted / observed if observed else math.nan
        row = f"{predicted:9.1f} {observed:8} {quotient:8.2f} | {within:17.0%} {uniform:8.0%} |"
        print(f"{row} KS {percentile['ks']:.3f} of {percentile['n']} {path}")
        for period in periods:
            of_one = period["predicted"]
            if of_one <= 0:
                continue
            is_counted = period["observed"] >= LEAST_POSITIVES
            of_periods[0] += is_counted
            of_periods[1] += is_counted and is_within(of_one, period["observed"])
            of_periods[2] += chance(of_one, lambda n: n >= LEAST_POSITIVES)
            of_periods[3] += chance(
                of_one, lambda n, of_one=of_one: n >= LEAST_POSITIVES and is_within(of_one, n)
            )
    n_counted, n_within, counted, expected = of_periods
    print(f"all of them within: {all_within:.0%} by right probabilities")
    print(f"periods with {LEAST_POSITIVES} or more: {n_within} of {n_counted} within;", end=" ")
    print(f"by right probabilities {expected:.1f} of {counted:.1f}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])

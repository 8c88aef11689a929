"""Figures of merit, all computed without any library of ours so that they can be checked."""
import numpy as np


def auc(y, s):
    order = np.argsort(s, kind="mergesort")
    ranks = np.empty(len(s))
    sorted_s = s[order]
    edges = np.flatnonzero(np.r_[True, sorted_s[1:] != sorted_s[:-1], True])
    for a, b in zip(edges[:-1], edges[1:]):
        ranks[order[a:b]] = (a + b + 1) / 2
    positives = y.sum()
    negatives = len(y) - positives
    return (ranks[y == 1].sum() - positives * (positives + 1) / 2) / (positives * negatives)


def ece(y, p, bins=10):
    """Expected calibration error over ten bins of equal width, as published."""
    at = np.minimum((p * bins).astype(int), bins - 1)
    total = 0.0
    for b in range(bins):
        inside = at == b
        if inside.any():
            total += inside.mean() * abs(y[inside].mean() - p[inside].mean())
    return total


def brier(y, p):
    return float(np.mean((y - p) ** 2))


def capture(y, s, share):
    """Share of the defects in the riskiest `share` of the changes."""
    top = np.argsort(-s, kind="stable")[:int(round(len(s) * share))]
    return y[top].sum() / y.sum()


def recall_at_effort(y, order_by, churn, effort=0.2):
    """Share of the defects found while reading the first 20 % of the changed lines."""
    order = np.argsort(-order_by, kind="stable")
    read = np.cumsum(churn[order])
    inside = read <= effort * churn.sum()
    return y[order][inside].sum() / y.sum()


def sigmoid(z):
    return 1 / (1 + np.exp(-np.clip(z, -500, 500)))


def logit(p):
    p = np.clip(p, 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def refit_intercept(z, y, prior=0.0, strength=0.0):
    """The shift that makes the mean probability equal the observed rate, found by bisection.
    `strength` counts examples that speak for the shift `prior`."""
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        if np.sum(sigmoid(z + middle) - y) + strength * (middle - prior) / 4 > 0:
            high = middle
        else:
            low = middle
    return (low + high) / 2


def bands(y, r, low, high):
    """Share of changes and lift over the base rate in LOW and HIGH."""
    base = y.mean()
    out = {}
    for name, inside in (("LOW", r < low), ("MED", (r >= low) & (r < high)), ("HIGH", r >= high)):
        out[name] = (inside.mean(), y[inside].mean() / base if inside.any() else float("nan"))
    return out

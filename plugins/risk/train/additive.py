"""Additive logistic models: terms with breakpoints, fitted with bounds and one intercept a project.

A term turns one feature into t (log1p or as it is) and adds w0*t + sum(w_k * max(0, t - knot_k)).
The same arithmetic stands in model.c. Features whose effect is claimed to rise only have every
slope bounded below by zero.
"""
import numpy as np
from scipy.optimize import minimize

LOG = "log1p"
PLAIN = "plain"


class Term:
    def __init__(self, feature, transform=LOG, knots=(), rising=False, limit=None):
        self.feature, self.transform, self.knots = feature, transform, list(knots)
        self.rising, self.limit = rising, limit

    def t(self, values):
        values = np.nan_to_num(np.asarray(values, dtype=float))
        return np.log1p(np.maximum(values, 0)) if self.transform == LOG else values

    def columns(self, values):
        t = self.t(values)
        return np.column_stack([t] + [np.maximum(0, t - k) for k in self.knots])

    def width(self):
        return 1 + len(self.knots)

    def effect(self, values, weights):
        return self.columns(values) @ np.asarray(weights)


def design(rows, terms):
    return np.hstack([term.columns(rows[term.feature]) for term in terms])


def slopes(terms):
    """A matrix that turns weights into slopes of the segments, to bound these."""
    blocks = [np.tril(np.ones((t.width(), t.width()))) for t in terms]
    size = sum(t.width() for t in terms)
    out, at = np.zeros((size, size)), 0
    for block in blocks:
        out[at:at + len(block), at:at + len(block)] = block
        at += len(block)
    return out


def fit(parts, terms, ridge=1.0, cap=2000.0):
    """Weights of the terms. `parts`: one dict of columns a project; each project has an intercept
    of its own and weighs as much as `cap` rows at most, so that none dominates."""
    x = np.vstack([design(p, terms) for p in parts])
    y = np.concatenate([p["buggy"] for p in parts])
    weight = np.concatenate([np.full(len(p["buggy"]), min(1.0, cap / len(p["buggy"]))) for p in parts])
    project = np.concatenate([np.full(len(p["buggy"]), i) for i, p in enumerate(parts)])
    # In slopes: x @ w = x @ inv(S) @ s, so that "rising" is a bound on s.
    s_matrix = slopes(terms)
    turn = np.linalg.inv(s_matrix)
    xs = x @ turn
    scale = xs.std(axis=0) + 1e-9
    xs = xs / scale
    count = xs.shape[1]

    def loss(theta):
        z = xs @ theta[:count] + theta[count:][project]
        p = 1 / (1 + np.exp(-z))
        value = np.sum(weight * (np.logaddexp(0, z) - y * z)) + ridge * theta[:count] @ theta[:count] / 2
        residual = weight * (p - y)
        grad = np.concatenate([xs.T @ residual + ridge * theta[:count],
                               np.bincount(project, residual, minlength=len(parts))])
        return value, grad

    bounds = []
    for term in terms:
        for i in range(term.width()):
            s = scale[len(bounds)]
            low = 0.0 if term.rising else (None if term.limit is None else -term.limit * s)
            high = None if term.limit is None else term.limit * s
            bounds.append((low, high))
    bounds += [(None, None)] * len(parts)
    start = np.zeros(count + len(parts))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds,
                     options={"maxiter": 500, "ftol": 1e-10})
    weights = turn @ (found.x[:count] / scale)
    return weights, found.x[count:]


def score(rows, terms, weights):
    return design(rows, terms) @ weights


def split(terms, weights):
    at, out = 0, []
    for term in terms:
        out.append(weights[at:at + term.width()])
        at += term.width()
    return out

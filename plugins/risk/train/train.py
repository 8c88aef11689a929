#!/usr/bin/python3
"""Trains the risk models and measures them; with the same data the files come out the same.

    train.py --data DIR --extract build/plugins/risk/risk-extract --out plugins/risk/model
    train.py --data DIR --extract … --bench        # prints the tables, writes nothing

DIR holds commitguru13/, issta21_jitdp/ and raw_diffs/. Needs Debian's python3-numpy and
python3-scipy. No project's name, date or path enters a model.
"""
import argparse
import json
import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the matrices are thin: threads only fight

import numpy as np

from additive import LOG, PLAIN, Term, fit, score, split
from bench import measure_raw, measure_tables, print_bench
from figures import logit, refit_intercept
from riskdata import raw_projects, tables

BANDS = {"low": -0.6, "high": 1.0}
BASE_RATE = 0.10

PLAIN_FEATURES = {"fix", "docw", "tests_only", "docs_only", "new_share", "ent"}
# Signs that are claimed in words are bounds of the fit; words of the author are capped.
RISING = {"la", "ctl", "nd", "fix", "pfix_max"}
CAPS = {"fix": 0.6, "docw": 0.8}


def plain_terms(names):
    return [Term(n, PLAIN if n in PLAIN_FEATURES else LOG, rising=n in RISING,
                 limit=CAPS.get(n)) for n in names.split()]


NUMSTAT_TERMS = [Term("la", knots=[2, 4, 6], rising=True), Term("ld", knots=[2, 4.5]),
                 Term("ent", PLAIN, knots=[0.8, 2]), Term("nf", knots=[1.2, 2.5]), Term("nd"),
                 Term("ns"), Term("fix", PLAIN, rising=True, limit=CAPS["fix"])]

# Candidates, small to large; the choice is made inside the training part.
TABLE_SETS = {
    "la": plain_terms("la"),
    "la ld ent fix": plain_terms("la ld ent fix"),
    "la ld ent fix, broken": [NUMSTAT_TERMS[0], NUMSTAT_TERMS[1], NUMSTAT_TERMS[2], NUMSTAT_TERMS[6]],
    "seven, broken": NUMSTAT_TERMS,
}
DIFF = "la ctl nd fix docw tests_only docs_only new_share"
RAW_SETS = {
    "la": plain_terms("la"),
    "la ctl": plain_terms("la ctl"),
    "la ctl nd fix docw": plain_terms("la ctl nd fix docw"),
    "la ctl nd fix docw tests_only docs_only": plain_terms("la ctl nd fix docw tests_only docs_only"),
    DIFF: plain_terms(DIFF),
}
HISTORY = "la ctl fix docw tests_only docs_only new_share pfix_max"


def offsets_of(parts, terms, weights):
    """How far a change with z = 0 stands from its project's base rate, in log-odds."""
    offsets = []
    for part in parts:
        z = score(part, terms, weights)
        offsets.append(refit_intercept(z, part["buggy"]) - logit(part["buggy"].mean()))
    return offsets


def typical(parts, term):
    return float(np.median([np.median(np.nan_to_num(p[term.feature])) for p in parts]))


def spread(parts, term):
    values = np.concatenate([np.nan_to_num(p[term.feature]) for p in parts])
    return [round(float(q), 4) for q in np.quantile(values, [0.1, 0.5, 0.9, 0.99])]


def describe_model(model_id, needs, parts, terms, figures):
    weights, _ = fit(list(parts.values()), terms)
    rows, shift = [], 0.0
    for term, w in zip(terms, split(terms, weights)):
        middle = typical(list(parts.values()), term)
        shift += float(term.effect([middle], w)[0])
        rows.append({"feature": term.feature, "transform": term.transform, "typical": middle,
                     "knots": term.knots, "weights": [round(float(x), 6) for x in w],
                     "rising": term.rising, "quantiles": spread(list(parts.values()), term)})
    offsets = offsets_of(list(parts.values()), terms, weights)
    start = float(np.mean(offsets)) + shift
    return {
        "format": 1, "id": model_id, "version": 1, "needs": needs,
        "predicts": "that the change introduces a defect (a later fix changes its lines); "
                    "not reverts, not incidents",
        "base_rate": BASE_RATE, "start": round(start, 6),
        "start_spread": round(max(0.2, float(np.std(offsets))), 4), "bands": BANDS, "terms": rows,
        "data": {"projects": len(parts), "changes": int(sum(len(p["buggy"]) for p in parts.values())),
                 "defects": int(sum(p["buggy"].sum() for p in parts.values())),
                 "labels": "SZZ: commits blamed for the lines that a later fix changes",
                 "split": "leave one project out; merges and rows without churn removed"},
        "measured": figures}


def write(folder, model):
    path = os.path.join(folder, model["id"] + ".json")
    with open(path, "w") as file:
        json.dump(model, file, indent=1)
        file.write("\n")
    print("wrote", path)


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("--data", required=True)
    args.add_argument("--extract", required=True)
    args.add_argument("--out")
    args.add_argument("--bench", action="store_true")
    args = args.parse_args()
    table, raw = tables(args.data), raw_projects(args.data, args.extract)
    table_result = measure_tables(table, TABLE_SETS, BANDS)
    raw_result = measure_raw(raw, RAW_SETS, BANDS)
    history_result = measure_raw(raw, {HISTORY: plain_terms(HISTORY)}, BANDS)
    if args.bench:
        print_bench(table, raw, table_result, raw_result, history_result)
    if args.out:
        write(args.out, describe_model("numstat-1", "numstat", table, NUMSTAT_TERMS,
                                       table_result["summary"]))
        write(args.out, describe_model("diff-1", "diff", raw, plain_terms(DIFF),
                                       raw_result["summary"]))
        write(args.out, describe_model("history-1", "history", raw, plain_terms(HISTORY),
                                       history_result["summary"]))


if __name__ == "__main__":
    main()

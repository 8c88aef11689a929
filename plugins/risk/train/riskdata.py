"""Reads the data sets: tables of commits with the label "introduced a defect"."""
import csv
import glob
import gzip
import os
import subprocess

import numpy as np

TABLE_COLUMNS = ["date", "buggy", "ns", "nd", "nf", "ent", "la", "ld", "fix"]


def _columns(rows, names):
    def number(text):
        return float(text) if text not in ("", None) else float("nan")
    return {n: np.array([number(r[n]) for r in rows]) for n in names}


def _clean(table):
    """Rows without churn (merges) flatter every figure; time order is the only fair one."""
    keep = (table["la"] + table["ld"]) > 0
    table = {k: v[keep] for k, v in table.items()}
    order = np.argsort(table["date"], kind="stable")
    return {k: v[order] for k, v in table.items()}


def tables(folder):
    """The twelve projects of which only numbers are known."""
    out = {}
    for path in sorted(glob.glob(os.path.join(folder, "commitguru13", "*.csv")) +
                       glob.glob(os.path.join(folder, "issta21_jitdp", "*.csv"))):
        with open(path, newline="") as file:
            rows = list(csv.DictReader(file))
        out[os.path.basename(path)[:-4]] = _clean(_columns(rows, TABLE_COLUMNS))
    return out


def raw_projects(folder, extract):
    """The projects with raw diffs, measured by the product's own reader (risk-extract)."""
    out = {}
    for path in sorted(glob.glob(os.path.join(folder, "raw_diffs", "*.jsonl.gz"))):
        name = os.path.basename(path).split(".")[0]
        with gzip.open(path) as file:
            text = subprocess.run([extract], stdout=subprocess.PIPE,
                                  check=True, input=file.read()).stdout.decode()
        rows = list(csv.DictReader(text.splitlines()))
        with open(path.replace(".jsonl.gz", ".csv"), newline="") as file:
            published = {r["commit"]: r for r in csv.DictReader(file)}
        names = [n for n in rows[0] if n != "commit"]
        table = _columns(rows, names)
        known = [published[r["commit"]] for r in rows]
        for column in ["la", "ld", "nf", "nd", "ns", "ent", "fix"]:
            table["published_" + column] = np.array([float(k[column]) for k in known])
        for column in ["pfix", "pfix_max", "ndev", "nuc", "age", "exp", "rexp", "sexp"]:
            table[column] = np.array([float(k[column] or "nan") for k in known])
        out[name] = _clean(table)
    return out

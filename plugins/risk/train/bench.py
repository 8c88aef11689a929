"""Measures models on projects that they were not trained on, and prints the tables."""
import numpy as np

from additive import fit, score
from figures import auc, bands, brier, capture, ece, logit, recall_at_effort, refit_intercept, sigmoid

REFIT = 500


def thinned(part, most=3000):
    """Every n-th row: the choice among a few candidates needs no more."""
    step = max(1, len(part["buggy"]) // most)
    return {name: values[::step] for name, values in part.items()}


def choose(parts, sets):
    """The candidate with the best mean AUC inside the training part: leave one project out, or
    five blocks of time where there is but one project."""
    if len(sets) == 1:
        return next(iter(sets))
    parts = [thinned(p) for p in parts]
    if len(parts) > 1:
        folds = [([p for j, p in enumerate(parts) if j != i], parts[i]) for i in range(len(parts))]
    else:
        n = len(parts[0]["buggy"])
        block = np.arange(n) * 5 // n
        folds = [([{k: v[block != b] for k, v in parts[0].items()}],
                  {k: v[block == b] for k, v in parts[0].items()}) for b in range(5)]
    best = {}
    for name, terms in sets.items():
        best[name] = np.mean([auc(test["buggy"], score(test, terms, fit(train, terms)[0]))
                              for train, test in folds])
    return max(best, key=best.get)


def refit_figures(z, y, start):
    """Expected calibration error of the last 20 % in time: as trained, and after the intercept was
    re-fitted on the 500 outcomes before them."""
    cut = int(len(y) * 0.8)
    before = sigmoid(z[cut:] + start)
    after = sigmoid(z[cut:] + refit_intercept(z[max(0, cut - REFIT):cut], y[max(0, cut - REFIT):cut]))
    return {"ece_raw": ece(y[cut:], before), "ece_refit": ece(y[cut:], after),
            "brier_refit": brier(y[cut:], after)}


def row_of(part, z, start, limits):
    y, churn = part["buggy"], part["la"] + part["ld"]
    own = refit_intercept(z, y)
    r = z + own - logit(y.mean())
    band = bands(y, r, limits["low"], limits["high"])
    p = sigmoid(z + own)
    row = {"n": len(y), "base": y.mean(), "auc": auc(y, z), "auc_la": auc(y, part["la"])}
    row.update(refit_figures(z, y, start))
    row.update({"low_share": band["LOW"][0], "low_lift": band["LOW"][1],
                "high_share": band["HIGH"][0], "high_lift": band["HIGH"][1]})
    for share in (5, 10, 20, 50):
        row["c%d" % share] = capture(y, z, share / 100)
    row["r20_effort"] = recall_at_effort(y, p / churn, churn)
    row["r20_small_first"] = recall_at_effort(y, -churn, churn)
    return row


def measure(projects, sets, limits):
    rows = {}
    for name, part in projects.items():
        train = [p for other, p in projects.items() if other != name]
        chosen = choose(train, sets)
        terms = sets[chosen]
        weights, _ = fit(train, terms)
        start = np.mean([refit_intercept(score(p, terms, weights), p["buggy"]) for p in train])
        rows[name] = row_of(part, score(part, terms, weights), start, limits)
        rows[name]["chosen"] = chosen
    keys = [k for k in next(iter(rows.values())) if k not in ("chosen", "n")]
    mean = {k: float(np.mean([r[k] for r in rows.values()])) for k in keys}
    summary = {k: round(v, 4) for k, v in mean.items()}
    return {"rows": rows, "summary": summary}


def measure_tables(table, sets, limits):
    return measure(table, sets, limits)


def measure_raw(raw, sets, limits):
    return measure(raw, sets, limits)


COLUMNS = ["base", "auc", "auc_la", "ece_raw", "ece_refit", "brier_refit", "low_share", "low_lift",
           "high_share", "high_lift", "c5", "c10", "c20", "c50", "r20_effort", "r20_small_first"]


def print_table(title, result):
    print("\n" + title + "\n")
    print("| project | n | " + " | ".join(COLUMNS) + " | chosen inside the training part |")
    print("|---" * (len(COLUMNS) + 3) + "|")
    for name, row in result["rows"].items():
        cells = ["%.3f" % row[c] for c in COLUMNS]
        print("| %s | %d | %s | %s |" % (name, row["n"], " | ".join(cells), row["chosen"]))
    cells = ["%.3f" % result["summary"][c] for c in COLUMNS]
    print("| **mean** | | %s | |" % " | ".join(cells))


def print_reader(raw):
    print("\nThe reader against the published columns, share of commits that are equal:\n")
    names = ["la", "ld", "nf", "nd", "ns", "ent", "fix"]
    print("| project | " + " | ".join(names) + " |\n" + "|---" * (len(names) + 1) + "|")
    for name, part in raw.items():
        equal = [np.mean(np.abs(part[c] - part["published_" + c]) < 1e-4 * (1 + part[c])) for c in names]
        print("| %s | %s |" % (name, " | ".join("%.4f" % e for e in equal)))


def print_bench(table, raw, table_result, raw_result, history_result):
    print_table("Numbers only (numstat and message), leave one project out:", table_result)
    print_table("Raw diffs, each scored by a model trained on the other:", raw_result)
    print_table("The same with history (most earlier fixes of a touched file):", history_result)
    print_reader(raw)
    print("\nMeta's published capture of severe incidents at 5/10/50 %: .187 / .279 / .846.")
    print("Recall at 20 % effort is nearly all \"small first\": it is shown, not steered by.")

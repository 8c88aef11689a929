#!/usr/bin/env python3
"""Grouping accuracy (GA) and F1 over groups (FGA) of the log miner on loghub's labelled samples, one setting for
all systems. Usage: logs.py PROGRAM FOLDER"""
import collections, csv, pathlib, subprocess, sys


def score(found, labels):
    groups, truth = collections.defaultdict(set), collections.defaultdict(set)
    for line, (a, b) in enumerate(zip(found, labels)):
        groups[a].add(line)
        truth[b].add(line)
    true_sets = {frozenset(v) for v in truth.values()}
    right = [v for v in groups.values() if frozenset(v) in true_sets]
    precision, recall = len(right) / len(groups), len(right) / len(truth)
    f1 = 2 * precision * recall / (precision + recall) if right else 0
    return sum(map(len, right)) / len(found), f1, len(groups), len(truth)


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    systems = sorted(p.name for p in folder.iterdir() if p.is_dir())
    total, everything = [0, 0, 0], []
    print(f"{'system':12} {'GA':>6} {'FGA':>6} {'GA by id':>9} {'groups':>7} {'labels':>7}")
    for system in systems:
        with open(folder / system / f"{system}_2k.log_structured_corrected.csv", newline="") as file:
            rows = list(csv.DictReader(file))
        lines = [row["Content"].replace("\n", " ") for row in rows]
        everything += lines
        out = subprocess.run([program], input="\n".join(lines) + "\n", capture_output=True, text=True, check=True)
        found = [line.split(" ", 1)[0] for line in out.stdout.splitlines()]
        assert len(found) == len(rows), (system, len(found), len(rows))
        ga, fga, groups, labels = score(found, [row["EventTemplate"] for row in rows])
        by_id = score(found, [row["EventId"] for row in rows])[0]
        print(f"{system:12} {ga:6.3f} {fga:6.3f} {by_id:9.3f} {groups:7} {labels:7}")
        for i, value in enumerate((ga, fga, by_id)):
            total[i] += value / len(systems)
    print(f"{'mean':12} {total[0]:6.3f} {total[1]:6.3f} {total[2]:9.3f}")
    out = subprocess.run([program, "speed", "40"], input="\n".join(everything) + "\n", capture_output=True, text=True,
                         check=True)
    print("all systems mixed:", out.stdout.strip())


main()

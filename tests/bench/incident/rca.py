#!/usr/bin/env python3
"""Root-cause service on labelled faults (Nezha TrainTicket): which rank has the service that was broken. Each window is
held against the fault-free minutes and the other windows, without their labels. Usage: rca.py PROGRAM FOLDER"""
import collections, csv, datetime, gzip, json, pathlib, re, statistics, subprocess, sys


def read(path):
    with gzip.open(path, "rt", newline="") as file:
        yield from csv.DictReader(file)


def service(pod):
    """Deployment of a pod: its name without the hashes of replica set and pod."""
    return re.sub(r"-[0-9a-f]{6,10}-[a-z0-9]{5}$", "", pod)


def nanoseconds(text):
    whole, _, fraction = text.rstrip("Z").partition(".")
    at = datetime.datetime.fromisoformat(whole).replace(tzinfo=datetime.timezone.utc)
    return int(at.timestamp()) * 10**9 + int((fraction + "000000000")[:9])


def window(out, name, traces, logs):
    out.append(f"W {name}")
    for r in read(traces):
        out.append("\t".join(("S " + r["TraceID"], r["SpanID"], r["ParentID"], service(r["PodName"]), r["OperationName"],
                              r["StartTimeUnixNano"], r["EndTimeUnixNano"])))
    for r in read(logs):
        message = re.sub(r"\s+", " ", r["message"])
        out.append("\t".join(("L " + r["trace_id"], r["span_id"], service(r["pod"]), str(nanoseconds(r["time"])), message)))


def loads(out, samples, start):
    """Highest share of CPU or memory in the three minutes of the case, and the median of the rest of the day."""
    for name, rows in samples.items():
        for column in (1, 2):
            now = [r[column] for r in rows if start <= r[0] <= start + 180]
            rest = [r[column] for r in rows if not start - 30 <= r[0] <= start + 600]
            if now and rest:
                out.append(f"M {name}\t{max(now) / 100}\t{statistics.median(rest) / 100}")


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    cases = [json.loads(line) for line in open(folder / "cases.jsonl")]
    cases = [c for c in cases if (folder / c["system"] / c["id"]).is_dir()]
    metrics = {}
    for path in {c["metrics"] for c in cases}:
        metrics[path] = collections.defaultdict(list)
        for r in read(folder / path):
            metrics[path][service(r["PodName"])].append(
                (int(r["TimeStamp"]), float(r["CpuUsageRate(%)"] or 0), float(r["MemoryUsageRate(%)"] or 0)))
    out = []
    for traces in sorted((folder / cases[0]["system"] / "normal").glob("*_traces.csv.gz")):
        window(out, "normal", traces, str(traces).replace("_traces", "_logs"))
    for case in cases:
        base = folder / case["system"] / case["id"]
        window(out, case["id"], base / "traces.csv.gz", base / "logs.csv.gz")
        start = datetime.datetime.fromisoformat(case["inject_time"].replace("Z", "+00:00")).timestamp()
        loads(out, metrics[case["metrics"]], start)
    run = subprocess.run([program], input="\n".join(out) + "\n", capture_output=True, text=True, check=True)
    answers = {line.split("\t")[0]: line.split("\t")[1:] for line in run.stdout.splitlines()}
    ranks, times = [], []
    for case in cases:
        took, *ranking = answers[case["id"]]
        names = [entry.rsplit(" ", 1)[0] for entry in ranking]
        truth = case["root_cause_service"]
        rank = names.index(truth) + 1 if truth in names else 99
        ranks.append((case["fault_type"], rank))
        times.append(float(took))
        print(f"{case['id']:18} {case['fault_type']:15} {truth:28} rank {rank:2}  {', '.join(ranking[:3])}")
    for kind in sorted({k for k, _ in ranks}) + ["all"]:
        some = [r for k, r in ranks if kind in (k, "all")]
        print(f"{kind:15} {len(some):3} cases  AC@1 {sum(r <= 1 for r in some) / len(some):.3f}  "
              f"AC@3 {sum(r <= 3 for r in some) / len(some):.3f}  AC@5 {sum(r <= 5 for r in some) / len(some):.3f}")
    print(f"ranking: {statistics.mean(times):.1f} ms of CPU a case")


main()

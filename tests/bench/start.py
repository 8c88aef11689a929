"""Start to ready, and memory at rest: the sum of VmRSS over supervisor and worker, as `ps` shows it."""
import os, pathlib, statistics, subprocess, sys, time

root, work = sys.argv[1:3]
state = pathlib.Path(work) / "start"
env = {**os.environ, "SLUICE_STATE": str(state), "SLUICE_PORT": "0", "BENCH_ROOT": root}


def rss(pid):
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    return 0


times, sizes = [], []
for _ in range(11):
    (state / "sluice.addr").unlink(missing_ok=True)
    began = time.monotonic()
    proc = subprocess.Popen([f"{root}/build/sluice", "serve", "-c", f"{root}/config/sluice.yaml"], env=env,
                            stderr=subprocess.DEVNULL)
    while not (state / "sluice.addr").exists():
        time.sleep(0.001)
    times.append(time.monotonic() - began)
    time.sleep(0.5)
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(proc.pid)], capture_output=True, text=True)
    sizes.append(rss(proc.pid) + sum(rss(int(pid)) for pid in children.stdout.split()))
    proc.terminate()
    proc.wait()
print(f"start to ready: median {statistics.median(times) * 1000:.0f} ms of {len(times)} (first included)")
print(f"idle memory, supervisor + worker: median {statistics.median(sizes) / 1024:.1f} MB")

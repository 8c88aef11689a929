#!/usr/bin/env python3
"""Memory of idle keep-alive connections, and whether others notice.

idle_connections.py [COUNT] [--limit-kib KIB] [--server CONFIG]

Starts the built server, opens COUNT (10,000) connections that each make one request and then stay,
and prints what the worker's memory grew by. With --limit-kib it fails when the whole worker is larger.
"""
import argparse, os, pathlib, resource, signal, socket, statistics, subprocess, sys, tempfile, time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = """server:
  listen: 127.0.0.1:0
  limits:
    connections: {limit}
state: {state}
log:
  level: warn
"""
REQUEST = b"GET /healthz HTTP/1.1\r\nHost: idle\r\n\r\n"


def memory_kib(pid):
    fields = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status") if line.startswith(("VmRSS", "VmHWM")))
    return int(fields["VmRSS"].split()[0]), int(fields["VmHWM"].split()[0])


def worker_of(parent):
    for _ in range(200):
        pids = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True).stdout.split()
        if pids:
            return int(pids[0])
        time.sleep(0.02)
    raise SystemExit("the server has no worker")


def ask(connection):
    connection.sendall(REQUEST)
    got = b""
    while b'"ok"}' not in got:
        piece = connection.recv(4096)
        if not piece:
            raise SystemExit(f"the server closed a connection: {got!r}")
        got += piece


def open_one(port, number):
    connection = socket.socket()
    # More clients than one address has ports: spread them over the loopback network.
    connection.bind((f"127.0.{1 + number // 20000}.1", 0))
    connection.connect(("127.0.0.1", port))
    return connection


def times_ms(port, count):
    probe, taken = open_one(port, 0), []
    for _ in range(count):
        began = time.perf_counter()
        ask(probe)
        taken.append((time.perf_counter() - began) * 1000)
    probe.close()
    return statistics.median(taken), sorted(taken)[int(count * 0.99)]


def measure(count, port, worker):
    before, _ = memory_kib(worker)
    quick = times_ms(port, 2000)
    idle = []
    for number in range(count):
        idle.append(open_one(port, number))
        ask(idle[-1])
    after, peak = memory_kib(worker)
    loaded = times_ms(port, 2000)
    ask(idle[0]), ask(idle[-1])
    print(f"worker: {before} KiB without, {after} KiB with {count} idle connections (peak {peak} KiB); "
          f"{(after - before) * 1024 / count:.0f} bytes each")
    print(f"another client: median {quick[0]:.3f} ms, p99 {quick[1]:.3f} ms without; "
          f"{loaded[0]:.3f} ms, {loaded[1]:.3f} ms with them")
    return after


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("count", nargs="?", type=int, default=10000)
    parser.add_argument("--limit-kib", type=int)
    parser.add_argument("--server", help="a configuration in place of the bare one")
    args = parser.parse_args()
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = args.count + 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))
    if hard < wanted:
        raise SystemExit(f"this needs {wanted} open files; the hard limit is {hard}")
    with tempfile.TemporaryDirectory(prefix="sluice-idle-") as folder:
        state, config = pathlib.Path(folder, "state"), pathlib.Path(folder, "sluice.yaml")
        config.write_text(CONFIG.format(limit=args.count + 200, state=state))
        build = pathlib.Path(os.environ.get("SLUICE_BUILD", ROOT / "build"))
        server = subprocess.Popen([build / "sluice", "serve", "-c", args.server or config],
                                  env={**os.environ, "SLUICE_STATE": str(state), "SLUICE_PORT": "0"})
        try:
            address = state / "sluice.addr"
            while not (address.exists() and address.read_text().endswith("\n")):
                if server.poll() is not None:
                    raise SystemExit("the server ended")
                time.sleep(0.02)
            port = int(address.read_text().rsplit(":", 1)[1])
            size = measure(args.count, port, worker_of(server.pid))
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait()
    if args.limit_kib and size > args.limit_kib:
        sys.exit(f"{size} KiB is more than {args.limit_kib} KiB")


if __name__ == "__main__":
    main()

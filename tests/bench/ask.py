"""Asking the platform on the demo's data: time of `sluice ask`, and to the first byte of a stream.

    tests/bench/ask.py [BUILD]
"""
import os, pathlib, socket, statistics, subprocess, sys, tempfile, time

root = pathlib.Path(__file__).resolve().parents[2]
build = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else root / "build").resolve()
QUESTION = "which policy blocked prod?"

with tempfile.TemporaryDirectory() as state:
    env = {**os.environ, "SLUICE_STATE": state, "SLUICE_PORT": "0"}
    server = subprocess.Popen([build / "sluice", "serve", "-c", root / "config" / "sluice.yaml"], env=env,
                              stderr=subprocess.DEVNULL)
    try:
        address = pathlib.Path(state) / "sluice.addr"
        while not (address.exists() and address.read_text()):
            time.sleep(0.05)
        env |= {"SLUICE_ADDR": address.read_text().strip(),
                "SLUICE_TOKEN": (pathlib.Path(state) / "admin.token").read_text().strip(),
                "PATH": f"{build}:{os.environ['PATH']}"}
        subprocess.run([root / "tools" / "demo" / "load"], env=env, check=True, capture_output=True)
        port = int(env["SLUICE_ADDR"].rsplit(":", 1)[1])
        body = ('{"question":"%s"}' % QUESTION).encode()
        request = (f"POST /ai/chat HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\nConnection: close\r\n"
                   f"Content-Type: application/json\r\nAuthorization: Bearer {env['SLUICE_TOKEN']}\r\n"
                   f"Content-Length: {len(body)}\r\n\r\n").encode() + body
        times, firsts = [], []
        for _ in range(21):
            began = time.monotonic()
            subprocess.run([build / "sluice", "ask", QUESTION], env=env, check=True, capture_output=True)
            times.append(time.monotonic() - began)
            began = time.monotonic()
            with socket.create_connection(("127.0.0.1", port)) as peer:
                peer.sendall(request)
                data = b""
                while b"event: " not in data:
                    data += peer.recv(4096)
            firsts.append(time.monotonic() - began)
        print(f"sluice ask: median {statistics.median(times) * 1000:.0f} ms, best {min(times) * 1000:.0f} ms of {len(times)}")
        print(f"first byte of a stream: median {statistics.median(firsts) * 1000:.1f} ms")
    finally:
        server.terminate()
        server.wait()

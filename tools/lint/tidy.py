"""clang-tidy over the units of build/compile_commands.json but the tests', two at a time.

    tidy.py BUILD [quick]      quick: without the static analyzer, which takes nine tenths of the time

A unit is skipped when it, the headers it includes and .clang-tidy are as they were when it was last
clean; the marks are in build/tidy/.
"""
import concurrent.futures, hashlib, json, os, re, subprocess, sys

build = sys.argv[1]
quick = ["--checks=-clang-analyzer-*"] if sys.argv[2:] == ["quick"] else []
root = os.getcwd()
commands = {}
for entry in json.load(open(os.path.join(build, "compile_commands.json"))):
    path = os.path.relpath(entry["file"], root)
    if not path.startswith("..") and not path.startswith("build") and path.endswith(".c") and "tests/" not in path:
        commands.setdefault(path, entry)

headers = hashlib.sha256()
for folder, _, names in sorted(os.walk(".")):
    if "/build" in folder or "/.git" in folder:
        continue
    for name in sorted(names):
        if name.endswith(".h"):
            headers.update(open(os.path.join(folder, name), "rb").read())
headers.update(open(".clang-tidy", "rb").read())
headers.update(" ".join(quick).encode())


def check(path):
    digest = headers.copy()
    digest.update(open(path, "rb").read())
    mark = os.path.join(build, "tidy", re.sub(r"[^A-Za-z0-9]", "_", path))
    if os.path.exists(mark) and open(mark).read() == digest.hexdigest():
        return path, True, ""
    run = subprocess.run(["clang-tidy", "-quiet", *quick, "--extra-arg=-Wno-unknown-warning-option", "-p", build, path], capture_output=True, text=True)
    good = run.returncode == 0 and "warning:" not in run.stdout and "error:" not in run.stdout
    if good:
        with open(mark, "w") as file:
            file.write(digest.hexdigest())
    return path, good, run.stdout + (run.stderr if not good else "")


os.makedirs(os.path.join(build, "tidy"), exist_ok=True)
bad = 0
with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
    for path, good, text in pool.map(check, sorted(commands)):
        if not good:
            bad += 1
            print(text)
print(f"clang-tidy: {len(commands)} units, {bad} with findings")
sys.exit(1 if bad else 0)

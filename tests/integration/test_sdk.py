"""The SDK as a stranger meets it: an installed tree, a new plugin, the guide line by line."""
import os, pathlib, re, shutil, subprocess

import pytest
from conftest import BUILD, PATIENCE, ROOT, SANITIZED


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """An installation outside of the build tree: the environment that finds it."""
    prefix = tmp_path_factory.mktemp("installed")
    subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix], check=True, capture_output=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    environment.update(PATH=f"{prefix}/bin:{os.environ['PATH']}", CMAKE_PREFIX_PATH=str(prefix), SLUICE_PORT="0",
                       PKG_CONFIG_PATH=f"{prefix}/lib/pkgconfig:{prefix}/lib64/pkgconfig", NO_COLOR="1")
    if SANITIZED:
        # The plugin is built without sanitizers, but the test program loads a library with them.
        environment["CFLAGS"] = environment["LDFLAGS"] = "-fsanitize=address,undefined"
    return prefix, environment


def run(environment, *words, cwd=None, check=0):
    done = subprocess.run(list(map(str, words)), env=environment, cwd=cwd, capture_output=True, text=True,
                          timeout=PATIENCE * 10)
    if check is not None:
        assert done.returncode == check, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def test_the_installation_is_complete(installed):
    prefix, environment = installed
    for path in ("bin/sluice", "include/sluice/sluice.h", "include/sluice/test.h", "share/sluice/config/sluice.yaml"):
        assert (prefix / path).is_file(), path
    assert list(prefix.glob("lib*/libsluice.so.1")) and list(prefix.glob("lib*/cmake/sluice/sluice-config.cmake"))
    assert list(prefix.glob("lib*/sluice/plugins/*.so")) and list(prefix.glob("lib*/sluice/sluice-fetch.so"))
    assert run(environment, "sluice", "version").stdout.startswith("sluice ")


def test_libsluice_exports_nothing_but_its_api(installed):
    library = next(installed[0].glob("lib*/libsluice.so.1"))
    lines = run(None, "nm", "-D", "--defined-only", library).stdout.splitlines()
    names = {line.split()[-1].split("@")[0] for line in lines}
    strangers = {name for name in names if not name.startswith(("sl_", "SLUICE_")) and "asan" not in name
                 and "ubsan" not in name}
    assert names and not strangers


def test_public_headers_compile_alone_as_c_and_as_cxx(installed):
    prefix, environment = installed
    flags = run(environment, "pkg-config", "--cflags", "sluice").stdout.split()
    for header in sorted((prefix / "include" / "sluice").glob("*.h")):
        for compiler, standard in (("cc", "-std=c17"), ("c++", "-std=c++17")):
            language = "c" if compiler == "cc" else "c++"
            run(environment, compiler, standard, *flags, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-x", language,
                "-include", header, "/dev/null")


@pytest.fixture(scope="module")
def hello(installed, tmp_path_factory):
    """A new plugin, built by CMake out of tree."""
    _, environment = installed
    folder = tmp_path_factory.mktemp("work")
    run(environment, "sluice", "plugin", "new", "hello", cwd=folder)
    run(environment, "cmake", "-S", ".", "-B", "build", cwd=folder / "hello")
    run(environment, "cmake", "--build", "build", cwd=folder / "hello")
    return folder / "hello"


def test_a_new_plugin_builds_and_passes_its_test(installed, hello):
    assert "100% tests passed" in run(installed[1], "ctest", "--test-dir", "build", cwd=hello).stdout


def test_a_new_plugin_exports_one_symbol(installed, hello):
    lines = run(None, "nm", "-D", "--defined-only", hello / "build" / "hello.so").stdout.splitlines()
    assert [line.split()[-1] for line in lines if "asan" not in line] == ["sluice_plugin"]


def test_a_new_plugin_passes_the_check(installed, hello):
    assert "it starts and stops, twice" in run(installed[1], "sluice", "plugin", "check", "build/hello.so",
                                               cwd=hello).stdout


@pytest.mark.plain
def test_a_new_plugin_answers_in_a_server(make_server, hello):
    server = make_server(config=f'server: {{listen: "127.0.0.1:0"}}\nstate: ${{SLUICE_STATE}}\n'
                                f"plugins:\n  hello:\n    file: {hello}/build/hello.so\n    salutation: Ahoy\n")
    assert server.post("/hello/greet", {"name": "Ada"}).json() == {"message": "Ahoy, Ada!"}
    problem = server.post("/hello/greet", {"nam": "Ada"})
    assert problem.status == 400 and "did you mean" in problem.body.decode()
    assert server.cli("hello", "greet", "--name", "Ada", "--json", check=0).stdout == '{"message":"Ahoy, Ada!"}'


@pytest.mark.plain
def test_one_line_of_cc_builds_a_plugin(installed, hello):
    environment = installed[1]
    flags = run(environment, "pkg-config", "--cflags", "--libs", "sluice").stdout.split()
    run(environment, "cc", "-shared", "-fPIC", "-fvisibility=hidden", "plugin.c", "greeting.c", "-o", "one.so", *flags,
        cwd=hello)
    run(environment, "sluice", "plugin", "check", "one.so", cwd=hello)


def test_a_new_lua_plugin_passes_its_cases(installed, tmp_path):
    environment = installed[1]
    run(environment, "sluice", "plugin", "new", "hello", "--lang", "lua", cwd=tmp_path)
    done = run(environment, "sluice", "plugin", "test", "hello.lua", "--cases", "cases.json", cwd=tmp_path / "hello",
               check=None)
    if "not built in" in done.stderr:
        pytest.skip("this build has no Lua plugins")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_cmake_package_is_found_by_abi_version(installed, tmp_path):
    for wanted, found in (("1", True), ("1.0", True), ("1.1", True), ("2", False), ("1.9", False)):
        (tmp_path / "CMakeLists.txt").write_text(
            "cmake_minimum_required(VERSION 3.22)\nproject(p LANGUAGES C)\n"
            f"find_package(sluice {wanted} CONFIG REQUIRED)\n")
        shutil.rmtree(tmp_path / "build", ignore_errors=True)
        done = run(installed[1], "cmake", "-S", tmp_path, "-B", tmp_path / "build", check=None)
        assert (done.returncode == 0) == found, done.stderr


def test_destdir_and_prefix_are_honoured(tmp_path):
    environment = {**os.environ, "DESTDIR": str(tmp_path / "stage")}
    run(environment, "cmake", "--install", BUILD, "--prefix", "/opt/sluice")
    assert (tmp_path / "stage/opt/sluice/bin/sluice").is_file()
    assert (tmp_path / "stage/opt/sluice/include/sluice/sluice.h").is_file()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["stage"]


# ---- the guide ----

def blocks(path):
    """("console", [(command, expected output)]) and (file name, content), in order."""
    for kind, rest, body in re.findall(r"^```(\w+)([^\n]*)\n(.*?)^```$", path.read_text(), re.M | re.S):
        name = re.search(r"file=(\S+)", rest)
        if name:
            yield name.group(1), body
        elif kind == "console":
            steps = []
            for line in body.splitlines():
                if line.startswith("$ "):
                    steps.append([line[2:], []])
                else:
                    steps[-1][1].append(line)
            yield "console", steps


def script_of(path, marks):
    """One shell script; before each command a mark, so that outputs can be told apart."""
    lines = ["exec 2>&1", "trap 'kill $(jobs -p) 2>/dev/null' EXIT"]
    for kind, content in blocks(path):
        if kind != "console":
            lines.append(f"cat > {kind} <<'END-OF-FILE'\n{content}END-OF-FILE")
            continue
        for command, expected in content:
            lines.append(f"printf '\\n@@{len(marks)}\\n'")
            marks.append((command, expected))
            quiet = " >server.log 2>&1 & " if command.startswith("sluice serve") else "\n"
            lines.append(command.replace(" & ", quiet) if quiet != "\n" else command)
    return "\n".join(lines) + "\n"


def pattern(expected):
    """Lines as they stand; `...` is anything, also over lines."""
    text = "\n".join(expected).strip("\n")
    return re.compile(r"\s*" + ".*".join(re.escape(part) for part in text.split("...")) + r"\s*", re.S)


@pytest.mark.plain
def test_the_guide_is_true(installed, tmp_path):
    marks = []
    script = script_of(ROOT / "sdk" / "guide" / "guide.md", marks)
    done = subprocess.run(["bash", "-c", script], env=installed[1], cwd=tmp_path, capture_output=True, text=True,
                          timeout=PATIENCE * 15)
    outputs = dict(re.findall(r"^@@(\d+)\n(.*?)(?=^@@|\Z)", done.stdout, re.M | re.S))
    for i, (command, expected) in enumerate(marks):
        assert str(i) in outputs, f"not reached: {command}\n{done.stdout[-3000:]}"
        assert pattern(expected).fullmatch(outputs[str(i)]), f"$ {command}\n{outputs[str(i)]}"

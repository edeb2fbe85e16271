# SPDX-License-Identifier: Apache-2.0
"""libtacit as others get it: one folder of sources, or installed and found by pkg-config and CMake.
What is built from either speaks to tacitd."""

import os
import pathlib
import re
import subprocess

import pytest

from support.broker import FOREIGN, ROOT, TACITD, Broker
from support.patience import patience

pytestmark = pytest.mark.skipif(FOREIGN, reason="about libtacit")
STRICT = ["-std=c17", "-Wall", "-Wextra", "-Werror", "-Wpedantic"]
M4 = ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", "-Os"]
CLEAN = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


def run(*words, folder=None, code=0, **environment):
    done = subprocess.run(list(map(str, words)), cwd=folder, env={**CLEAN, **environment},
                          text=True, capture_output=True, stdin=subprocess.DEVNULL,
                          timeout=patience(120), check=False)
    assert done.returncode == code, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def broker():
    with Broker() as one:
        yield one


def drop_in(folder, *options):
    run(ROOT / "tools/drop-in", *options, folder)
    return folder


def speaks(program, broker):
    assert run(program, broker.port, "packaging/first", "hello") == "delivered\n"


# ---- one folder ----


def test_a_bare_compiler_builds_the_folder(tmp_path):
    """Inside it, with nothing but cc."""
    folder = drop_in(tmp_path / "tacit")
    sources = sorted(path.name for path in folder.glob("*.c"))
    run("cc", *STRICT, "-Os", "-c", *sources, folder=folder)
    run("cc", *STRICT, "-ffreestanding", "-c", *sources, folder=folder)
    assert not list(folder.glob("*posix*")) and not list((folder / "tacit").glob("posix*"))


def test_a_cross_compiler_builds_the_folder(tmp_path):
    folder = drop_in(tmp_path / "tacit")
    run(*M4, *STRICT, "-c", *(path.name for path in folder.glob("*.c")), folder=folder)


@pytest.mark.parametrize("switches", [
    ["-DTACIT_NO_V5"], ["-DTACIT_NO_V311"], ["-DTACIT_NO_QOS2"], ["-DTACIT_NO_STORE"],
    ["-DTACIT_NO_V5", "-DTACIT_NO_QOS2", "-DTACIT_NO_STORE"]], ids=" ".join)
def test_what_is_left_out_leaves_a_program(tmp_path, switches):
    """Each switch, given to all files alike, compiles and links into the reference application."""
    folder = drop_in(tmp_path / "tacit")
    run(*M4, *STRICT, *switches, "-ffunction-sections", "-fdata-sections", "-nostartfiles",
        "--specs=nano.specs", "-Wl,--gc-sections", "-T", ROOT / "examples/bare-metal/board.ld",
        f"-I{folder}", f"-I{ROOT / 'bench/client'}", f"-I{ROOT / 'examples/bare-metal'}",
        ROOT / "bench/client/reference.c", ROOT / "bench/client/wire.c",
        ROOT / "examples/bare-metal/board.c", *folder.glob("*.c"), "-o", tmp_path / "image.elf")


def test_the_folder_alone_makes_a_program(tmp_path, broker):
    folder = drop_in(tmp_path / "tacit", "--with", "posix")
    program = tmp_path / "first"
    run("cc", "-D_GNU_SOURCE", f"-I{folder}", *STRICT, ROOT / "examples/first.c",
        *folder.glob("*.c"), "-o", program, "-lssl", "-lcrypto")
    speaks(program, broker)


def test_the_folder_is_made_anew_and_nothing_else_is_lost(tmp_path):
    folder = drop_in(tmp_path / "tacit", "--with", "memory")
    assert (folder / "ports_memory.c").exists()
    drop_in(folder)
    assert not (folder / "ports_memory.c").exists()
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "main.c").write_text("int main(void) { return 0; }\n", encoding="utf-8")
    assert "holds something else" in run(ROOT / "tools/drop-in", foreign, code=1)
    assert [path.name for path in foreign.iterdir()] == ["main.c"]


# ---- installed ----


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    place = tmp_path_factory.mktemp("installed") / "prefix with a space"
    said = run("cmake", "--install", TACITD.parent, "--prefix", place)
    written = re.findall(r"^-- (?:Installing|Up-to-date): (.*)$", said, re.M)
    assert written and all(path.startswith(f"{place}/") for path in written), said
    return place


def pkg_config(prefix, *options):
    folders = [str(path.parent) for path in prefix.rglob("libtacit.pc")]
    assert len(folders) == 1, folders
    said = run("pkg-config", *options, "libtacit", PKG_CONFIG_PATH=folders[0])
    return said.strip().replace("\\ ", "\0").split()


def test_pkg_config_is_enough(prefix, tmp_path, broker):
    flags = [word.replace("\0", " ") for word in pkg_config(prefix, "--cflags", "--libs")]
    program = tmp_path / "first"
    run("cc", *STRICT, ROOT / "examples/first.c", *flags, "-o", program)
    speaks(program, broker)
    assert pkg_config(prefix, "--modversion")


def test_cmake_finds_the_package(prefix, tmp_path, broker):
    """The folder of examples is a project of its own; nothing of the tree but it is there."""
    examples = tmp_path / "examples"
    examples.mkdir()
    for path in (ROOT / "examples").iterdir():
        if path.is_file():
            (examples / path.name).write_bytes(path.read_bytes())
    build = tmp_path / "build"
    run("cmake", "-S", examples, "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}")
    run("cmake", "--build", build, "-j2")
    assert {path.name for path in build.iterdir() if os.access(path, os.X_OK) and path.is_file()} \
        >= {"first", "sensor", "actuator", "gateway", "ota"}
    speaks(build / "first", broker)


def test_public_headers_stand_alone(prefix, tmp_path):
    """Each of them, in C and in nothing else's company."""
    headers = sorted(pathlib.Path(prefix, "include/tacit").glob("*.h"))
    assert headers
    for header in headers:
        source = tmp_path / "one.c"
        source.write_text(f"#include <tacit/{header.name}>\nint one(void);\n"
                          "int one(void) { return 1; }\n", encoding="utf-8")
        run("cc", *STRICT, f"-I{prefix / 'include'}", "-c", source, "-o", tmp_path / "one.o")


# ---- a platform of one's own ----


@pytest.mark.parametrize("compiler", [["cc"], M4], ids=["here", "cortex-m4"])
def test_the_template_compiles(compiler, tmp_path):
    run(*compiler, *STRICT, "-ffreestanding", f"-I{ROOT / 'include'}", "-c",
        ROOT / "examples/template/template.c", "-o", tmp_path / "template.o")

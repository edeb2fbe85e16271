# SPDX-License-Identifier: Apache-2.0
"""Runs the programs in examples/ as devices of a house; fixtures for tests that have one."""

import os
import re
import subprocess
import threading

import pytest

from support.broker import TACITD
from support.patience import patience

EXAMPLES = TACITD.parent / "examples"
LONG_S = patience(60.0)


@pytest.fixture
def start(house):
    """start("sensor", "probe", 3, 10): an example that runs as that device."""
    running, watchdogs = [], []

    def new(example, name, *words, given=subprocess.DEVNULL, port=None, host="localhost"):
        ca, certificate, key = house.files(name)
        running.append(subprocess.Popen(
            [str(EXAMPLES / example), "--host", host, "--port", str(port or house.broker.port),
             "--ca", ca, "--certificate", certificate, "--key", key, "--name", name,
             *map(str, words)],
            stdin=given, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={"PATH": os.environ["PATH"], "RES_OPTIONS": "timeout:1 attempts:1"}))
        watchdogs.append(threading.Timer(2 * LONG_S, running[-1].kill))
        watchdogs[-1].start()  # line() reads as long as there is something to come
        return running[-1]

    yield new
    for one in watchdogs:
        one.cancel()
    for one in running:
        if one.poll() is None:
            one.kill()
        one.communicate()


@pytest.fixture
def join(house):
    opened = []

    def new(name, **more):
        opened.append(house.connect(name).open(name, **more))
        return opened[-1]

    yield new
    for one in opened:
        one.close()


def output(process):
    """All that it says until it ends, which it does with exit code 0."""
    text, _ = process.communicate(timeout=LONG_S)
    assert process.returncode == 0, text
    return text


def line(process, pattern):
    """The next line of its output that matches."""
    seen = []
    for text in process.stdout:
        seen.append(text)
        found = re.search(pattern, text)
        if found:
            return found
    raise AssertionError(f"it ended without {pattern!r}:\n{''.join(seen)}")

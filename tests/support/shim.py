# SPDX-License-Identifier: Apache-2.0
"""A broker whose calls on the files of its store are counted, and fail, wait or take their time
when a test says so. The other side is tests/crash/shim.[ch]."""

import ctypes
import mmap
import os
import pathlib
import time
from contextlib import contextmanager

import pytest

from support.broker import ROOT, Broker
from support.patience import patience

LIBRARY = pathlib.Path(os.environ.get("TACIT_SHIM_LIBRARY",
                                      ROOT / "build/release/crash/crash-shim.so"))
BUILD = "cmake --build --preset release --target crash-shim"


class Rule(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in (
        "error", "passes", "times", "delay_us", "is_held", "seen", "failed", "waiting")] + [
            ("bytes", ctypes.c_uint64)]


class Control(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("calls", "kill_at", "kill_when", "loss")] + [
        (name, Rule) for name in ("write", "sync", "reserve", "folder")]


class ShimmedBroker(Broker):
    """As Broker; broker.shim.write, .sync, .reserve and .folder are the rules for such calls."""

    def __init__(self, **options):
        super().__init__(**options)
        assert LIBRARY.exists(), f"{LIBRARY} is missing: {BUILD}"
        self.shim_file = pathlib.Path(self.folder.name) / "shim"
        self.shim_file.write_bytes(bytes(ctypes.sizeof(Control)))
        with self.shim_file.open("r+b") as file:
            self.shim_map = mmap.mmap(file.fileno(), 0)
        self.shim = Control.from_buffer(self.shim_map)

    def command(self):
        return ["env", f"LD_PRELOAD={LIBRARY}", f"TACIT_SHIM={self.shim_file}",
                *super().command()]

    def reset(self):
        """No rules; what was counted is forgotten."""
        ctypes.memset(ctypes.byref(self.shim), 0, ctypes.sizeof(self.shim))

    @contextmanager
    def failing(self, error, *rules):
        """Meanwhile all calls of these kinds fail."""
        for rule in rules:
            getattr(self.shim, rule).error = error
        try:
            yield
        finally:
            for rule in rules:
                getattr(self.shim, rule).error = 0

    @contextmanager
    def held(self, rule):
        """Meanwhile all calls of this kind do not return."""
        getattr(self.shim, rule).is_held = 1
        try:
            yield
        finally:
            getattr(self.shim, rule).is_held = 0

    @contextmanager
    def slow(self, rule, seconds):
        getattr(self.shim, rule).delay_us = int(seconds * 1e6)
        try:
            yield
        finally:
            getattr(self.shim, rule).delay_us = 0

    def quiet(self):
        """Waits until it leaves its store alone; returns how often it has written and synced."""
        deadline = time.monotonic() + patience(10)
        before = None
        while time.monotonic() < deadline:
            now = (self.shim.write.seen, self.shim.sync.seen, self.shim.calls)
            if now == before:
                return now
            before = now
            time.sleep(0.3)
        raise AssertionError("the broker does not leave its store alone")

    def memory_bytes(self):
        """Resident."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        row = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(row.split()[1]) * 1024


@pytest.fixture
def shimmed():
    """As variant(), with the shim between the broker and its disk."""
    started = []

    def start(**options):
        started.append(ShimmedBroker(**options))
        return started[-1].start()

    yield start
    failures = []
    for one in started:
        one.reset()
        try:
            one.stop()
        except AssertionError as failure:
            failures.append(str(failure))
        one.folder.cleanup()
    assert not failures, "\n\n".join(failures)

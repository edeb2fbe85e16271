# SPDX-License-Identifier: Apache-2.0
"""What it costs that every CONNECT is held against the registry.

  look_up_ns        of a name in the view that the shards have, in random order
  bytes_per_device  of the heap, in that view
  view_ms           making it anew, after a change, beside the shards"""
import statistics
import subprocess
import tempfile

import subjects
from subjects import build, say

ROOT = subjects.ROOT
DEVICES = 100_000
WANTED = {"look_up_ns": 1000}


def measure(tools):
    with tempfile.TemporaryDirectory(prefix="tacit-bench-") as folder:
        done = subprocess.run(["taskset", "-c", "1", str(tools / "bench-registry"), folder,
                               str(DEVICES)], capture_output=True, text=True, timeout=300,
                              check=True)
    return [float(word) for word in done.stdout.split()]


def run(rounds):
    tools = build("bench-registry") / "bench"
    view, size, look_up = (statistics.median(column)
                           for column in zip(*(measure(tools) for _ in range(rounds))))
    say(f"registry: {look_up:.0f} ns a look-up, {size:.0f} bytes a device")
    return {"name": "registry", "rounds": rounds, "devices": DEVICES, "look_up_ns": look_up,
            "bytes_per_device": size, "view_ms": view, "wanted_at_most": WANTED,
            "ok": 0 < look_up <= WANTED["look_up_ns"]}

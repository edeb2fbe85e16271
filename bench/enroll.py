# SPDX-License-Identifier: Apache-2.0
"""How long a device takes from the box to its first message, and how many enrol in a second.

  seconds_to_first_publish  median over fresh devices: `tacit enroll` with a one-time token (key made,
                            server verified, certificate signed and stored), then `tacit pub`
  longest_s                 the slowest of them
  enrolments_per_s          `tacit enroll` alone, one after the other"""
import json
import os
import pathlib
import statistics
import subprocess
import tempfile
import time

import subjects
from subjects import build, say

ROOT = subjects.ROOT
DEVICES = 20
WANTED = {"seconds_to_first_publish": 2}


class House:
    """A broker as a newcomer gets it, and homes for devices."""

    def __init__(self, tools, folder):
        self.tacit, self.folder = tools / "tacit", pathlib.Path(folder)
        self.state, self.port = self.folder / "state", subjects.free_port()
        self.log = open(self.folder / "log", "w+", encoding="utf-8")
        self.server = subjects.Server(
            [tools / "tacitd", "--state", self.state, "--port", str(self.port)], self.port,
            self.log, folder)

    def run(self, home, *arguments):
        (self.folder / home).mkdir(exist_ok=True)
        environment = {"HOME": str(self.folder / home), "PATH": os.environ["PATH"],
                       "XDG_STATE_HOME": str(self.folder / home / ".state")}
        return subprocess.run([str(self.tacit), *map(str, arguments)], env=environment,
                              capture_output=True, text=True, timeout=60, check=True).stdout

    def offer(self, name):
        return json.loads(self.run("operator", "device", "add", name, "--role", "device",
                                   "--token-only", "--json", "--state", self.state, "--port",
                                   self.port))["command"].split()[1:]

    def first_message(self, name):
        """Seconds for the whole, and for the enrolment alone."""
        command = self.offer(name)
        began = time.monotonic()
        self.run(name, *command)
        enrolled = time.monotonic()
        self.run(name, "pub", "--as", name, "-t", f"devices/{name}/state", "-q", "1", "-m", "on")
        return time.monotonic() - began, enrolled - began


def run(rounds):
    with tempfile.TemporaryDirectory(prefix="tacit-bench-") as folder:
        house = House(build("tacitd", "tacit"), folder)
        with house.server:
            times = [house.first_message(f"d{i}") for i in range(DEVICES * rounds)]
    whole, alone = zip(*times)
    report = {"name": "enroll", "devices": len(times), "rounds": rounds,
              "seconds_to_first_publish": round(statistics.median(whole), 4),
              "longest_s": round(max(whole), 4),
              "enrolments_per_s": round(1 / statistics.median(alone), 1)}
    say(f"enroll: {report['seconds_to_first_publish']} s from the box to the first message, the "
        f"longest {report['longest_s']} s")
    report["wanted_at_most"] = WANTED
    report["ok"] = all(report[name] <= most for name, most in WANTED.items())
    return report

# SPDX-License-Identifier: Apache-2.0
"""The audit log of a broker, as tests look at it: its records, and what `tacit log` says."""

import json
import os
import subprocess
import time

from support.broker import TACIT
from support.patience import patience

TOOL_S = patience(20.0)
WHOLE, FOUND = 0, 3


class AuditLog:
    def __init__(self, state):
        self.state, self.folder = state, state / "audit"

    # -- the files ------------------------------------------------------------------------------

    def files(self):
        return sorted(self.folder.glob("audit-*.log"))

    def text(self):
        while True:
            try:
                return b"".join(file.read_bytes() for file in self.files())
            except FileNotFoundError:
                continue  # rotation has removed one meanwhile

    def records(self, kind=None, **fields):
        """Those that are there, whole, of that kind and with these fields."""
        found = []
        for line in self.text().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                continue
            record = json.loads(line)
            if kind is not None and record["kind"] != kind:
                continue
            if all(record.get(name) == value for name, value in fields.items()):
                found.append(record)
        return found

    def wait(self, kind, count=1, **fields):
        """The newest record like this, once there are that many."""
        deadline = time.monotonic() + patience(10.0)
        while len(self.records(kind, **fields)) < count:
            assert time.monotonic() < deadline, (
                f"no record {kind} {fields}:\n{self.text().decode(errors='replace')[-4000:]}")
            time.sleep(0.02)
        return self.records(kind, **fields)[-1]

    # -- the tool -------------------------------------------------------------------------------

    def command(self, *words):
        return [str(TACIT), "log", *map(str, words), "--state", str(self.state)]

    def tool(self, *words, code=0):
        done = subprocess.run(self.command(*words), capture_output=True, text=True, timeout=TOOL_S,
                              env={"PATH": os.environ["PATH"]}, check=False)
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout

    def verify(self, *words, code=WHOLE):
        return json.loads(self.tool("verify", "--json", *words, code=code))

    def show(self, *words):
        return [json.loads(line) for line in self.tool("show", "--json", *words).splitlines()]

# SPDX-License-Identifier: Apache-2.0
"""A tacitd that is made to try, in any of its threads, what it must not be able to do. The other
side is tests/containment."""

import ctypes
import os
import pathlib
import platform
import socket
import subprocess
import sys
import time

from support.broker import ROOT
from support.patience import patience
from support.secure import House

LIBRARY = pathlib.Path(os.environ.get("TACIT_PROBE_LIBRARY",
                                      ROOT / "build/release/containment/containment-probe.so"))
BUILD = "cmake --build --preset release --target containment-probe"
TGKILL = {"x86_64": 234, "aarch64": 131}
SIGUSR2 = 12
LIBC = ctypes.CDLL(None, use_errno=True)


class Strangers:
    """What is none of tacitd's business: a folder with a secret, somebody who listens, a process."""

    def __init__(self, folder):
        self.folder = folder
        self.folder.mkdir()
        (self.folder / "secret").write_text("none of your business")
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(str(self.folder / "socket"))
        self.unix.listen()
        self.process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    def close(self):
        self.process.communicate(b"\n")
        self.tcp.close()
        self.unix.close()


class ProbedHouse(House):
    """As House; attempts(thread) is what came of each attempt in that thread."""

    def __init__(self, **options):
        super().__init__(**options)
        assert LIBRARY.exists(), f"{LIBRARY} is missing: {BUILD}"
        base = pathlib.Path(self.folder.name)
        self.report = base / "report"
        self.strangers = Strangers(base / "strangers")
        self.variables = {
            "LD_PRELOAD": LIBRARY, "TACIT_PROBE_REPORT": self.report,
            "TACIT_PROBE_FOREIGN": self.strangers.folder, "TACIT_PROBE_STATE": self.state,
            "TACIT_PROBE_PORT": self.strangers.tcp.getsockname()[1],
            "TACIT_PROBE_SOCKET": self.strangers.folder / "socket",
            "TACIT_PROBE_VICTIM": self.strangers.process.pid}
        plain = self.broker.command
        self.broker.command = lambda: [
            "env", *(f"{name}={value}" for name, value in self.variables.items()), *plain()]

    def __exit__(self, kind, *rest):
        self.strangers.close()
        super().__exit__(kind, *rest)

    def threads(self):
        """Name and number of each thread."""
        tasks = pathlib.Path(f"/proc/{self.broker.process.pid}/task")
        return [((task / "comm").read_text().strip(), int(task.name)) for task in tasks.iterdir()]

    def attempts(self, number, pid=None):
        """Of a thread of tacitd, or of another process, which has closed the report: its lines are
        in the log."""
        before = len(self.lines_of(number))
        pid = pid or self.broker.process.pid
        assert LIBC.syscall(TGKILL[platform.machine()], pid, number, SIGUSR2) == 0
        deadline = time.monotonic() + patience(10)
        while not self.lines_of(number)[before:] or self.lines_of(number)[-1][0] != "done":
            assert self.broker.alive(), f"the broker ended:\n{self.broker.log()[-4000:]}"
            assert time.monotonic() < deadline, f"thread {number} does not answer"
            time.sleep(0.005)
        return dict(self.lines_of(number)[before:-1])

    def lines_of(self, number):
        """Attempt and errno, of what that thread has tried so far."""
        text = self.report.read_text() + self.broker.log()
        lines = [line.rsplit(" ", 2) for line in text.splitlines()]
        return [(line[1], int(line[2])) for line in lines if line[0] == str(number)]

# SPDX-License-Identifier: Apache-2.0
"""Who receives what an audit log forwards: stand-ins for the journal and for syslog, and the journal
itself as an instance of its own."""

import array
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import time

from support.patience import patience

JOURNALD = next((path for path in ("/usr/lib/systemd/systemd-journald",
                                   "/lib/systemd/systemd-journald") if os.access(path, os.X_OK)), None)


def journal_fields(datagram):
    """The journal's own protocol: NAME=VALUE, or NAME, a newline, a length in 64 bits and that many
    bytes; each with a newline behind it. A list of pairs, as a name may come twice."""
    found = []
    while datagram:
        end = datagram.index(b"\n")
        if b"=" in datagram[:end]:
            name, value = datagram[:end].split(b"=", 1)
            datagram = datagram[end + 1:]
        else:
            name, (size,) = datagram[:end], struct.unpack_from("<Q", datagram, end + 1)
            value, rest = datagram[end + 9:end + 9 + size], datagram[end + 9 + size:]
            assert len(value) == size and rest[:1] == b"\n"
            datagram = rest[1:]
        assert name.replace(b"_", b"").isalnum() and name == name.upper() and name[:1].isalpha()
        found.append((name.decode(), value))
    return found


class StandIn:
    """A datagram socket. It takes nothing unless it is asked to, so it can be slow or full."""

    def __init__(self, path):
        self.path, self.socket, self.records, self.fields = pathlib.Path(path), None, [], []

    def start(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.path))
        self.socket.setblocking(False)
        return self

    def stop(self):
        if self.socket is not None:
            self.socket.close()
            self.path.unlink()
        self.socket = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *rest):
        self.stop()

    def datagram(self):
        """The next one, also one that came as a file; None: there is none."""
        try:
            data, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(4))
        except BlockingIOError:
            return None
        for _, kind, handed in ancillary:
            assert kind == socket.SCM_RIGHTS and not data
            files = array.array("i", handed)
            with os.fdopen(files[0], "rb") as file:
                data = os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)
        return data

    def take(self, most=None):
        """What is there; returns how many there were."""
        count = 0
        while count != most:
            data = self.datagram()
            if data is None:
                break
            self.receive(data)
            count += 1
        return count

    def until(self, wanted, seconds=10.0):
        """Takes until wanted() is true."""
        deadline = time.monotonic() + patience(seconds)
        while not wanted():
            if self.take() == 0:
                assert time.monotonic() < deadline, f"not received: {self.records[-3:]}"
                time.sleep(0.01)

    def numbers(self):
        return [record["seq"] for record in self.records]


class Journal(StandIn):
    def receive(self, data):
        fields = journal_fields(data)
        self.fields.append(fields)
        self.records.append(json.loads(dict(fields)["MESSAGE"]))


class Syslog(StandIn):
    def receive(self, data):
        head, line = data.split(b": ", 1)
        assert head.startswith(b"<85>tacitd[") and head.endswith(b"]")
        self.records.append(json.loads(line))


class RealJournal:
    """systemd-journald as an instance with a name, sockets and files of its own. Needs root."""

    def __init__(self):
        self.name = f"tacit-{os.getpid()}"
        self.run = pathlib.Path(f"/run/systemd/journal.{self.name}")
        self.path, self.process = self.run / "socket", None

    @staticmethod
    def is_possible():
        return (JOURNALD is not None and os.geteuid() == 0 and shutil.which("journalctl")
                and pathlib.Path("/etc/machine-id").exists() and os.access("/run/systemd", os.W_OK))

    def start(self):
        """False: it does not come up here."""
        # A datagram socket that is there already is taken for one of an earlier instance.
        for name in ("socket", "dev-log", "stdout"):
            (self.run / name).unlink(missing_ok=True)
        self.process = subprocess.Popen([JOURNALD, self.name], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + patience(10.0)
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                return False
            time.sleep(0.02)
        return True

    def answers(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
            try:
                probe.connect(str(self.path))
            except OSError:
                return False
        return True

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=patience(10.0))
        self.process = None

    def records(self, *match):
        done = subprocess.run(["journalctl", f"--namespace={self.name}", "-o", "json", "--all",
                               "--no-pager", "--quiet", "TACIT_AUDIT=1", *match],
                              capture_output=True, text=True, check=False,
                              env={"PATH": os.environ["PATH"]}, timeout=patience(20.0))
        return [json.loads(line) for line in done.stdout.splitlines()]

    def remove(self):
        self.stop()
        shutil.rmtree(self.run, ignore_errors=True)
        for top in ("/run/log/journal", "/var/log/journal"):
            for folder in pathlib.Path(top).glob(f"*.{self.name}"):
                shutil.rmtree(folder, ignore_errors=True)

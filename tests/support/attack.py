# SPDX-License-Identifier: Apache-2.0
"""Runs `tacit attack` and reads what it says."""

import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

from support.broker import TACIT
from support.patience import patience

ATTACK_S = patience(170.0)
SAFE, OPEN, UNCLEAR, SKIPPED = "safe", "open", "unclear", "skipped"


class Attack:
    """One run: the document, and each check by its id."""

    def __init__(self, *arguments, environment=None, code=None):
        command = [str(TACIT), "attack", *map(str, arguments), "--json"]
        self.done = subprocess.run(command, env=environment, capture_output=True, text=True,
                                   stdin=subprocess.DEVNULL, timeout=ATTACK_S)
        if code is not None:
            assert self.done.returncode == code, (
                f"{' '.join(command)}: exit code {self.done.returncode}, expected {code}\n"
                f"{self.done.stdout}{self.done.stderr}")
        self.document = json.loads(self.done.stdout) if self.done.stdout else {}
        rows = self.document if isinstance(self.document, list) else self.document.get("checks", [])
        self.checks = {check["id"]: check for check in rows}

    def verdict(self, name):
        return self.checks[name]["verdict"]

    def evidence(self, name):
        return self.checks[name]["evidence"]

    def expect(self, name, verdict):
        assert self.verdict(name) == verdict, f"{self.checks[name]}\n{self.done.stderr}"

    def all(self, verdict):
        return {name for name, check in self.checks.items() if check["verdict"] == verdict}

    def but(self, verdict):
        """What else there is, for who reads the failure."""
        return [check for check in self.checks.values() if check["verdict"] != verdict]


class Trigger:
    """A shell command that has a function of the test's run, and waits until it has."""

    def __init__(self, function):
        self.function = function
        self.folder = tempfile.TemporaryDirectory(prefix="tacit-trigger-")
        self.flag = pathlib.Path(self.folder.name) / "flag"
        self.command = f"touch {self.flag}; while [ -e {self.flag} ]; do sleep 0.02; done"
        self.is_wanted = True
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def watch(self):
        while self.is_wanted:
            if self.flag.exists():
                self.function()
                self.flag.unlink()
            time.sleep(0.01)

    def __enter__(self):
        self.thread.start()
        return self.command

    def __exit__(self, *_):
        self.is_wanted = False
        self.thread.join()
        self.folder.cleanup()


def password_file(folder, name, password):
    path = pathlib.Path(folder) / name
    path.write_text(password + "\n")
    os.chmod(path, 0o600)
    return path


def people(folder):
    """Two identities that come by a password."""
    alice = password_file(folder, "alice", "secret-a")
    bob = password_file(folder, "bob", "secret-b")
    return ["--username", "alice", "--password-file", alice, "--second-username", "bob",
            "--second-password-file", bob]


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


class Authority:
    """A CA in a folder, which signs what it is told."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.file = self.folder / "ca.crt"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-subj", "/CN=Test CA", "-days", 90, "-keyout", self.folder / "ca.key", "-out",
                self.file)

    def sign(self, key=("rsa:2048",), names="DNS:localhost", digest="sha256", days=60):
        """Certificate and key of a server."""
        files = self.folder / "server.crt", self.folder / "server.key"
        request, extensions = self.folder / "server.csr", self.folder / "server.ext"
        extensions.write_text(f"subjectAltName={names}\n" if names else "\n")
        openssl("req", "-newkey", *key, "-nodes", "-subj", "/CN=localhost", "-keyout", files[1],
                "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.folder / "ca.key",
                "-CAcreateserial", "-days", days, f"-{digest}", "-extfile", extensions, "-out",
                files[0])
        return files

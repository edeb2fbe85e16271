# SPDX-License-Identifier: Apache-2.0
"""tacitd as a newcomer gets it: TLS, client certificates, a state folder of its own; and the tool
`tacit` with a home of its own."""

import contextlib
import json
import math
import os
import pathlib
import re
import sqlite3
import ssl
import subprocess
import tempfile
import time

from support.broker import TACIT, Broker
from support.client import RawClient
from support.patience import WITHIN_S, patience
from support.ports import free_port

TOOL_S = patience(20.0)
FORCE = r"policy in force on shard \d+ after \d+ ms, longest slice \d+ us"


class House:
    """A secure broker, a home for the tool's profiles, and things with certificates."""

    def __init__(self, config=None, shards=None):
        self.folder = tempfile.TemporaryDirectory(prefix="tacit-house-")
        base = pathlib.Path(self.folder.name)
        self.home, self.state = base / "home", base / "state"
        self.home.mkdir()
        settings = {} if shards is None else {"shards": shards}
        self.shards = shards or 1
        self.broker = Broker(config=config, state=self.state, tls=True, port=free_port(),
                             shards=self.shards, settings=settings)
        self.environment = {"HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / ".config"),
                            "XDG_STATE_HOME": str(self.home / ".state"),
                            "PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}

    def __enter__(self):
        self.broker.start()
        return self

    def __exit__(self, kind, *rest):
        try:
            self.broker.__exit__(kind, *rest)
        finally:
            self.folder.cleanup()

    # -- the tool -----------------------------------------------------------------------------

    def popen(self, *arguments, **more):
        return subprocess.Popen([str(TACIT), *map(str, arguments)], env=self.environment,
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, **more)

    def tacit(self, *arguments, code=0, given=None):
        """Runs the tool; its exit code must be the expected one (None: any)."""
        done = subprocess.run([str(TACIT), *map(str, arguments)], env=self.environment, text=True,
                              input=given, capture_output=True, timeout=TOOL_S)
        assert code is None or done.returncode == code, (
            f"tacit {' '.join(map(str, arguments))}: exit code {done.returncode}, expected {code}\n"
            f"{done.stdout}{done.stderr}")
        return done

    def add(self, name, role):
        self.tacit("device", "add", name, "--role", role, "--state", self.state,
                   "--host", "localhost", "--port", self.broker.port)
        return self.profile(name)

    def profile(self, name):
        path = self.home / ".config/tacit/profiles" / f"{name}.json"
        return json.loads(path.read_text())

    # -- changes --------------------------------------------------------------------------------

    def lines(self, pattern):
        return re.findall(pattern, self.broker.log())

    def wait(self, pattern, count, seconds):
        deadline = time.monotonic() + seconds
        while len(self.lines(pattern)) < count:
            assert time.monotonic() < deadline, (
                f"no {pattern!r} in time:\n{self.broker.log()[-3000:]}")
            time.sleep(0.005)

    def force(self):
        """How often a policy has come into force, all shards together."""
        return len(self.lines(FORCE))

    @contextlib.contextmanager
    def changing(self):
        """The one change inside is in force on all shards within a second of its commit. Of
        several, one after the other, nobody can say whether they make one policy or more; so each
        is waited for, or the next one would take its lines in the log for its own."""
        before = self.force()
        yield
        self.wait(FORCE, before + self.shards, WITHIN_S)

    def settle(self):
        """No change is under way: for the rare case that it cannot be known how many there were."""
        seen, since = self.force(), time.monotonic()
        while time.monotonic() < since + WITHIN_S:
            time.sleep(0.05)
            if self.force() != seen:
                seen, since = self.force(), time.monotonic()

    def sql(self, text, *values):
        self.commit((text, *values))

    def commit(self, *statements):
        """Each is its text and its values; together they are one change."""
        with contextlib.closing(sqlite3.connect(self.state / "registry.db",
                                                timeout=TOOL_S)) as file:
            with file:
                for text, *values in statements:
                    file.execute(text, values)

    def ending_soon(self, step, margin=1.5):
        """Calls step(ends), which lets a right end at that second, and returns the second: at least
        a margin after the step was over, for what has to happen before. A step that took longer is
        done again, with a later end."""
        margin = patience(margin)
        for more in (1, 3, 9, 27):
            ends = math.ceil(time.time() + margin) + more
            step(ends)
            if time.time() < ends - margin:
                return ends
            time.sleep(max(0.0, ends - time.time()))
            self.settle()
        raise AssertionError("the step takes too long")

    @contextlib.contextmanager
    def ending(self, ends, client, pattern):
        """What is done inside is done in time. Afterwards the client's subscription has ended,
        within a second, and not before; on all shards."""
        before = self.force()
        yield
        assert time.time() < ends, "too slow to see anything before the end"
        ended = rf'client "{client}" loses its subscription to "{re.escape(pattern)}"'
        self.wait(ended, 1, ends - time.time() + WITHIN_S)
        assert ends <= time.time() < ends + WITHIN_S
        self.wait(FORCE, before + self.shards, WITHIN_S)

    # -- TLS ----------------------------------------------------------------------------------

    def authority(self):
        """What clients trust."""
        return self.state / "ca/root.crt"

    def issuing(self):
        """What the broker trusts."""
        return self.state / "ca/ca.crt"

    def files(self, name):
        """CA, certificate and key of a thing; "admin" is the identity of the first start."""
        if name == "admin":
            folder = self.state / "admin"
            return str(self.authority()), str(folder / "admin.crt"), str(folder / "admin.key")
        profile = self.profile(name)
        return profile["ca_file"], profile["certificate_file"], profile["key_file"]

    def context(self, name=None, versions=None):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(str(self.authority()))
        context.set_alpn_protocols(["mqtt"])
        if versions:
            context.minimum_version = context.maximum_version = versions
        if name is not None:
            context.load_cert_chain(*self.files(name)[1:])
        return context

    def connect(self, name, version=5, context=None, source=None):
        """A raw client over mutual TLS, from that address; CONNECT still to come."""
        return RawClient(self.broker.host, self.broker.port, version,
                         tls=context or self.context(name), source=source)


class Factory(House):
    """A house that trusts the CA of a factory besides its own."""

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    def build(self):
        """Makes the factory's CA. Returns the file of both CAs, for client-ca."""
        self.works = self.home / "works"
        self.works.mkdir()
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-subj", "/CN=Factory CA", "-days", 2,
                     "-keyout", self.works / "ca.key", "-out", self.works / "ca.crt")
        both = self.works / "trusted.crt"
        both.write_text((self.works / "ca.crt").read_text() + self.issuing().read_text())
        return both

    def write(self, text):
        (self.state / "tacit.conf").write_text(text)

    def make(self, file, subject):
        """A key and a certificate of the factory's CA for that subject."""
        key, request = self.works / f"{file}.key", self.works / f"{file}.csr"
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-utf8", "-multivalue-rdn", "-subj", subject, "-keyout", key, "-out", request)
        self.openssl("x509", "-req", "-in", request, "-CA", self.works / "ca.crt",
                     "-CAkey", self.works / "ca.key", "-CAcreateserial", "-days", 1,
                     "-out", self.works / f"{file}.crt")

    def come(self, file, version=5):
        context = self.context()
        context.load_cert_chain(self.works / f"{file}.crt", self.works / f"{file}.key")
        return self.connect(None, version, context=context)

# SPDX-License-Identifier: Apache-2.0
"""Starts and stops the broker under test: by process id, on a free port, in a state of its own."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import time

from support.patience import patience
from support.ports import free_port

ROOT = pathlib.Path(__file__).resolve().parents[2]
TACITD = pathlib.Path(os.environ.get("TACITD", ROOT / "build/release/tacitd"))
TACIT = pathlib.Path(os.environ.get("TACIT", TACITD.parent / "tacit"))
FOREIGN = os.environ.get("TACIT_TEST_BROKER") == "mosquitto"
START_S, STOP_S = patience(20.0), patience(5.0)
SANITIZER = re.compile(r"ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|INVARIANT")

MOSQUITTO_CONF = """listener {port} 127.0.0.1
allow_anonymous true
user root
persistence true
persistence_location {state}/
persistence_file mosquitto.db
max_queued_messages 0
sys_interval 1
log_type error
log_type warning
"""


def leave(peer):
    """Says no more, and waits until the other side has closed."""
    with contextlib.suppress(OSError):
        peer.shutdown(socket.SHUT_WR)
        while peer.recv(4096):
            pass


def with_settings(config, settings, limits=None):
    """A configuration with top-level settings and rows of its limits block replaced. Values are
    literal text."""
    lines = []
    for key, value in settings.items():
        config = re.sub(rf"(?m)^{re.escape(key)}\s*=.*\n", "", config)
        lines.append(f"{key} = {value}\n")
    config = "".join(lines) + config
    if limits:
        if not re.search(r"(?m)^limits\s*\{", config):
            config += "\nlimits {\n}\n"
        for key in limits:
            config = re.sub(rf"(?m)^\s+{re.escape(key)}\s*=.*\n", "", config)
        rows = "".join(f"  {key} = {value}\n" for key, value in limits.items())
        config = re.sub(r"(?m)^(limits\s*\{[^\n]*\n)", lambda m: m.group(1) + rows, config, 1)
    return config


class BrokerFailure(AssertionError):
    pass


class Broker:
    """One broker process. The state folder outlives stop(), so start() again is a restart."""

    def __init__(self, config=None, settings=None, limits=None, shards=1, state=None, port=None,
                 tls=False):
        self.folder = tempfile.TemporaryDirectory(prefix="tacit-test-")
        base = pathlib.Path(self.folder.name)
        self.state = pathlib.Path(state) if state else base / "state"
        self.config_file, self.log_file = base / "broker.conf", base / "broker.log"
        self.host, self.port, self.process, self.tls = "127.0.0.1", port or free_port(), None, tls
        self.settings, self.limits, self.shards = dict(settings or {}), limits, shards
        if config is None and not FOREIGN and not tls:
            config = (ROOT / "bench/open.conf").read_text()
        self.config = config

    def command(self):
        if FOREIGN:
            self.state.mkdir(exist_ok=True)
            extra = "".join(f"{k} {v}\n" for k, v in self.settings.items())
            self.config_file.write_text(
                MOSQUITTO_CONF.format(port=self.port, state=self.state) + extra)
            return ["mosquitto", "-c", str(self.config_file)]
        command = [str(TACITD), "--state", str(self.state), "--port", str(self.port)]
        if self.config is not None:
            self.config_file.write_text(
                with_settings(self.config, {"shards": self.shards, **self.settings}, self.limits))
            command += ["--config", str(self.config_file)]
        return command

    def start(self):
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(self.command(), stdout=log, stderr=log,
                                            stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise BrokerFailure(f"the broker ended at start with exit code "
                                    f"{self.process.returncode}:\n{self.log()}")
            try:
                self.probe()
                return self
            except OSError:
                time.sleep(0.01)
        self.kill()
        raise BrokerFailure(f"the broker does not listen:\n{self.log()}")

    def probe(self):
        """OSError until it serves: a port may be bound before there is anybody behind it. Comes back when
        the broker has let it go: until then it is a peer that has proved nothing, and is counted."""
        with contextlib.closing(socket.create_connection((self.host, self.port),
                                                         timeout=START_S)) as plain:
            if not self.tls:
                leave(plain)
                return
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(plain) as wrapped:
                leave(wrapped)

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def log(self):
        """Its lines so far: one that is just being written is not there yet."""
        text = self.log_file.read_text(errors="replace") if self.log_file.exists() else ""
        return text[:text.rfind("\n") + 1]

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def kill(self):
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
        if self.process is not None:
            self.process.wait()

    def crash(self):
        """kill -9, and a start."""
        self.kill()
        return self.start()

    def stop(self):
        """SIGTERM must end it with exit code 0 within five seconds and a clean log."""
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired as error:
            self.kill()
            raise BrokerFailure(f"the broker ignores SIGTERM:\n{self.log()[-4000:]}") from error
        finally:
            self.process = None
        if code != 0 or SANITIZER.search(self.log()):
            raise BrokerFailure(f"exit code {code}:\n{self.log()[-8000:]}")

    def restart(self):
        self.stop()
        return self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.stop()
            else:
                self.kill()
        finally:
            self.folder.cleanup()


class Fleet:
    """The brokers the tests share, one per number of shards, started when first asked for."""

    def __init__(self):
        self.brokers = {}
        self.failures = []

    def get(self, shards):
        broker = self.brokers.get(shards)
        if broker is not None and not broker.alive():
            self.failures.append(f"the broker with {shards} shards died:\n{broker.log()[-8000:]}")
            broker.kill()
            broker = None
        if broker is None:
            broker = self.brokers[shards] = Broker(shards=shards).start()
        return broker

    def close(self):
        for broker in self.brokers.values():
            try:
                broker.stop()
            except BrokerFailure as failure:
                self.failures.append(str(failure))
            broker.folder.cleanup()
        assert not self.failures, "\n\n".join(self.failures)

# SPDX-License-Identifier: Apache-2.0
"""The servers that are measured beside each other, all on one core: the relay
floor, Debian's mosquitto, and tacitd. Logging off, limits raised equally, the
same certificates and TLS 1.3 only."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

from scenarios import MTLS, PLAIN

ROOT = pathlib.Path(__file__).resolve().parent.parent
SERVER_CORE = "0"
START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 10
STEADY_S = 0.5


def say(text):
    print(text, file=sys.stderr, flush=True)


def build(*targets, preset="release"):
    """These of the release build, or another one; returns its folder."""
    folder = ROOT / "build" / preset
    for argv in (["cmake", "--preset", preset],
                 ["cmake", "--build", str(folder), "--target", *targets]):
        subprocess.run(argv, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return folder


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """One started server; use as a context."""

    def __init__(self, argv, port, log, folder, core=SERVER_CORE):
        self.port = port
        self.log = log
        self.exit_code = None
        self.process = subprocess.Popen(["taskset", "-c", core, *map(str, argv)],
                                        cwd=folder, stdin=subprocess.DEVNULL, stdout=log,
                                        stderr=log)

    def wait_until_it_listens(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        self.log.flush()
        text = pathlib.Path(self.log.name).read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"{self.process.args[3]} does not listen: {text[-2000:]}")

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def wait_until_its_memory_is_steady(self):
        """A server listens before it has made itself ready: what it takes meanwhile is not for its
        connections."""
        deadline = time.monotonic() + START_TIMEOUT_S
        before, since = 0, time.monotonic()
        while time.monotonic() < min(deadline, since + STEADY_S):
            now = self.resident_bytes()
            if now != before:
                before, since = now, time.monotonic()
            time.sleep(0.02)

    def __enter__(self):
        try:
            self.wait_until_it_listens()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.exit_code = self.process.wait()
        self.log.close()


def floor_argv(tools, place, scenario, port, **_):
    argv = [tools / "floor", scenario.floor, port]
    if scenario.wire != PLAIN:
        argv += [place / "certs" / "server.crt", place / "certs" / "server.key"]
    return argv


def mosquitto_argv(_tools, place, scenario, port, **_):
    certs = place / "certs"
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous true", "log_type none",
             "persistence false", "set_tcp_nodelay true", "max_queued_messages 0",
             "max_inflight_messages 0", "max_queued_bytes 0", "max_connections -1"]
    if scenario.wire != PLAIN:
        lines += [f"cafile {certs}/ca.crt", f"certfile {certs}/server.crt",
                  f"keyfile {certs}/server.key", "tls_version tlsv1.3",
                  f"require_certificate {'true' if scenario.wire == MTLS else 'false'}"]
    if os.geteuid() == 0:
        # It would become another user, who cannot read the certificates.
        lines.append("user root")
    config = place / "mosquitto.conf"
    config.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return [shutil.which("mosquitto") or "/usr/sbin/mosquitto", "-c", config]


def detaching(config, scenario):
    """A copy of it that says so, beside it."""
    if scenario.detach is None:
        return config
    copy = config.with_name(f"detach-{scenario.detach}-{config.name}")
    copy.write_text(f"tls-detach = {scenario.detach}\n" + config.read_text(encoding="utf-8"),
                    encoding="utf-8")
    return copy


def tacitd_config(place, scenario):
    """bench/open.conf and bench/secure.conf as they are (the latter, and what is used in its place,
    beside its certificates), bench/tls.conf for TLS without client certificates."""
    if scenario.wire == PLAIN:
        return ROOT / "bench" / "open.conf"
    if scenario.wire == MTLS:
        return detaching(place / "certs" / (scenario.config or "secure.conf"), scenario)
    certs = place / "certs"
    config = place / "tls.conf"
    config.write_text((ROOT / "bench" / "tls.conf").read_text(encoding="utf-8").replace(
        "@CERTS@", str(certs)), encoding="utf-8")
    return detaching(config, scenario)


def tacitd_argv(_tools, place, scenario, port, keeps_state=False, config=None):
    state = place / "state"
    if not keeps_state:
        shutil.rmtree(state, ignore_errors=True)
    return [os.environ.get("TACITD", ROOT / "build" / "release" / "tacitd"), "--config",
            config or tacitd_config(place, scenario), "--state", state, "--port", port]


ARGV = {"floor": floor_argv, "tacitd": tacitd_argv, "mosquitto": mosquitto_argv}


def start(subject, tools, place, scenario):
    port = free_port()
    log = open(place / f"{subject}.log", "w", encoding="utf-8")
    return Server(ARGV[subject](tools, place, scenario, port), port, log, place / "certs")


def mosquitto_version():
    """As it says itself; None when it is not installed."""
    program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    if not os.path.exists(program):
        return None
    done = subprocess.run([program, "-h"], capture_output=True, text=True, check=False)
    return done.stdout.split("\n", 1)[0].removeprefix("mosquitto version ")


def missing(subject, scenario):
    """Why this subject cannot be measured in this scenario, or None."""
    if subject == "floor" and scenario.floor is None:
        return "no floor for this scenario"
    if subject == "mosquitto" and not (shutil.which("mosquitto")
                                       or os.path.exists("/usr/sbin/mosquitto")):
        return "mosquitto is not installed (tools/install-deps bench)"
    if subject == "tacitd" and not os.path.exists(
            os.environ.get("TACITD", ROOT / "build" / "release" / "tacitd")):
        return "tacitd is not built (make build)"
    return None

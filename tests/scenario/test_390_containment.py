# SPDX-License-Identifier: Apache-2.0
"""A4: whoever takes tacitd over gets little: no file but its own, no program, no process, no
connection out, no code of his own, in none of its threads. And what an operator does goes on."""

import errno
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import pytest

from support.broker import FOREIGN, TACIT, TACITD, Broker
from support.patience import patience
from support.ports import free_port
from support.probe import ProbedHouse
from support.secure import House

INSTRUMENTED = not FOREIGN and TACITD.exists() and "a build with instruments" in subprocess.run(
    [str(TACITD), "--check"], capture_output=True, text=True, check=False).stdout
pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists() or INSTRUMENTED,
                                reason="about tacitd and tacit, without instruments")
ROOTLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")

CONFIG = """
listener "mqtts" {{ port = 8883 client-certificates = optional passwords = on }}
sandbox = {mode}
"""
KINDS = {"tacitd", "shard", "scribe", "helper", "enrolment"}
CONFINED = r"confined: landlock \d+, seccomp \d+ calls, no new privileges"
REFUSED = {
    errno.EACCES: ["read-secret", "read-shadow", "read-memory", "list-root", "write-foreign",
                   "write-state", "read-ca-key", "read-root-key", "read-admin-key", "list-ca",
                   "move-ca-key"],
    errno.EXDEV: ["link-ca-key"],
    errno.EPERM: ["exec", "fork", "ptrace", "read-process", "signal", "connect",
                  "connect-fast-open", "connect-unix", "datagram", "map-code", "make-code",
                  "io-uring", "bpf", "keyctl", "userfaultfd", "namespaces", "setuid"],
}
EXPECTED = {attempt: error for error, attempts in REFUSED.items() for attempt in attempts}


def kind_of(thread):
    return thread.split("-")[0]


def serves(house):
    """Publish, and be told so: over mutual TLS."""
    with_lamp = house.connect("lamp").open("lamp")
    with_lamp.publish("devices/lamp/state", b"on", qos=1)
    with_lamp.close()


# -- from the inside ---------------------------------------------------------------------------

@pytest.fixture(scope="module")
def probed():
    with ProbedHouse(config=CONFIG.format(mode="required"), shards=2) as one:
        one.add("lamp", "device")
        yield one


def test_every_attempt_in_every_thread_is_refused(probed):
    """Each kind of thread tries everything; nothing but a file in the state folder is possible."""
    tried = set()
    for name, number in probed.threads():
        found = probed.attempts(number)
        assert found == {**EXPECTED, "write-own": 0}, name
        tried.add(kind_of(name))
        serves(probed)
    assert tried == KINDS
    assert probed.strangers.process.poll() is None


def test_without_a_sandbox_they_succeed():
    """Or the test above could not fail."""
    with ProbedHouse(config=CONFIG.format(mode="off"), shards=2) as house:
        house.add("lamp", "device")
        for name, number in house.threads():
            found = house.attempts(number)
            allowed = {attempt for attempt, error in found.items() if error == 0}
            assert allowed >= {"read-secret", "write-foreign", "write-own", "list-root", "exec",
                               "write-state", "read-ca-key", "read-root-key", "read-admin-key",
                               "list-ca", "link-ca-key", "move-ca-key",
                               "fork", "signal", "connect", "connect-unix", "datagram",
                               "map-code", "make-code"}, (name, found)
        serves(house)
        assert 'not confined: sandbox = "off"' in house.broker.log()


# -- what the log says -------------------------------------------------------------------------

def test_the_start_line_says_what_is_in_force(probed):
    assert re.search(CONFINED, probed.broker.log())


def test_status_of_the_process(probed):
    """What the kernel says of it, for each thread."""
    for task in pathlib.Path(f"/proc/{probed.broker.process.pid}/task").iterdir():
        status = dict(line.split(":\t", 1) for line in
                      (task / "status").read_text().splitlines() if ":\t" in line)
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2"
        for which in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            # Who has no right to drop the bounding set keeps it, and can gain nothing by it.
            assert int(status[which], 16) == 0 or (which == "CapBnd" and os.geteuid() != 0)


def test_check_says_what_a_start_would_have():
    done = subprocess.run([str(TACITD), "--check"], capture_output=True, text=True, check=True)
    assert re.search(CONFINED, done.stdout)


def old_kernel(mode):
    house = ProbedHouse(config=CONFIG.format(mode=mode), shards=1)
    house.variables["TACIT_PROBE_OLD_KERNEL"] = 1
    return house


def test_a_kernel_without_landlock_degrades():
    """System calls are confined all the same, and the log says what is missing."""
    with old_kernel("on") as house:
        house.add("lamp", "device")
        log = house.broker.log()
        assert re.search(r"warning confined in part: files are not \(the kernel has no Landlock.*"
                         r"seccomp \d+ calls", log), log
        found = house.attempts(house.broker.process.pid)
        assert found["read-secret"] == 0 and found["exec"] == found["connect"] == errno.EPERM
        serves(house)


def test_required_refuses_to_start_in_part():
    house = old_kernel("required")
    try:
        command = list(map(str, house.broker.command()))
        done = subprocess.run(command, capture_output=True, text=True, timeout=patience(20),
                              check=False)
    finally:
        house.strangers.close()
        house.folder.cleanup()
    assert done.returncode == 1
    assert re.search(r'sandbox = "required", but confined in part: files are not', done.stderr)


# -- what an operator does goes on -------------------------------------------------------------

RELOADED = r"configuration read again"
OUTSIDE = r"{} is outside of what tacitd may read since its start: restart tacitd to use it"


def files_for(house, folder):
    """A certificate of the house's own for a listener, in that folder."""
    folder.mkdir()
    for name in ("server.crt", "server.key"):
        shutil.copy(house.state / "server" / name, folder / name)
    return folder


def named(folder):
    return (f'listener "mqtts" {{ port = 8883 certificate = "{folder}/server.crt" '
            f'key = "{folder}/server.key" }}\n')


@pytest.fixture
def house():
    with House(config='listener "mqtts" { port = 8883 }\n') as one:
        one.add("lamp", "device")
        yield one


def reload(house, text, pattern, count=1):
    house.broker.config_file.write_text(text)
    house.broker.reload()
    house.wait(pattern, count, patience(10))


def test_certificates_of_elsewhere_are_followed(house):
    """Named at the start: replaced by renaming, as certbot does, and read again."""
    base = pathlib.Path(house.folder.name)
    folder = files_for(house, base / "certs")
    house.broker.config = named(folder)
    house.broker.restart()
    serves(house)
    for name in ("server.crt", "server.key"):
        shutil.copy(folder / name, folder / f"{name}.new")
        os.rename(folder / f"{name}.new", folder / name)
    house.broker.reload()
    house.wait(RELOADED, 1, patience(10))
    serves(house)
    assert "outside" not in house.broker.log()


def test_a_new_place_waits_for_a_restart(house):
    """What is named for the first time in a reload cannot be read, and the log says what to do."""
    folder = files_for(house, pathlib.Path(house.folder.name) / "later")
    reload(house, named(folder), "the configuration in force stays")
    assert re.search(OUTSIDE.format(re.escape(f"{folder}/server.crt")), house.broker.log())
    serves(house)
    house.broker.config = named(folder)
    house.broker.restart()
    serves(house)


def test_an_include_of_elsewhere_waits_for_a_restart(house):
    other = pathlib.Path(house.folder.name) / "other.conf"
    other.write_text("log { level = info }\n")
    reload(house, f'include = "{other}"\nlistener "mqtts" {{ port = 8883 }}\n',
           "the configuration in force stays")
    assert re.search(OUTSIDE.format(re.escape(str(other))), house.broker.log())
    serves(house)


def test_a_new_listener_needs_no_restart(house):
    """Ports may be bound by a reload, and Unix sockets beside the configuration of the start."""
    port = free_port()
    reload(house, f'listener "mqtts" {{ port = {house.broker.port} }}\n'
                  f'listener "more" {{ port = {port} }}\n', RELOADED)
    house.wait(rf'listener "more" on every address, port {port}', 1, patience(10))
    with socket.create_connection(("127.0.0.1", port), timeout=patience(5)):
        pass


def test_unix_sockets(tmp_path):
    """Made, served, removed: the folder is the socket's, and nothing in it can be read."""
    folder = tmp_path / "run"
    folder.mkdir()
    place = folder / "mqtt.sock"
    config = (f'listener "first" {{ tls = off address = "127.0.0.1" port = 1883 '
              f'anonymous-role = device }}\n'
              f'listener "unix" {{ path = "{place}" anonymous-role = device }}\n')
    with Broker(config=config) as broker:
        # The port of the first may answer while the second is still being bound.
        deadline = time.monotonic() + patience(10)
        while 'listener "unix" on' not in broker.log():
            assert time.monotonic() < deadline, broker.log()
            time.sleep(0.01)
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(str(place))
    assert not place.exists()


@pytest.mark.parametrize("abstract", [False, True], ids=["path", "abstract"])
def test_the_service_manager_is_told(tmp_path, monkeypatch, abstract):
    """Ready and reloading are said when the process is confined, by a datagram."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(patience(20))
        name = f"tacit-test-{os.getpid()}-{tmp_path.name}" if abstract else str(tmp_path / "notify")
        manager.bind("\0" + name if abstract else name)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name if abstract else name)
        with Broker() as broker:
            assert manager.recv(4096) == b"READY=1"
            broker.reload()
            assert manager.recv(4096).startswith(b"RELOADING=1")
            assert manager.recv(4096) == b"READY=1"
        assert manager.recv(4096) == b"STOPPING=1"


def test_values_that_wait_for_a_restart_are_told(house):
    reload(house, 'sandbox = off\nlistener "mqtts" { port = 8883 }\n', RELOADED)
    assert "sandbox takes effect at the next start" in house.broker.log()


def test_extra_paths(house):
    """sandbox-read grants what nothing else names."""
    folder = files_for(house, pathlib.Path(house.folder.name) / "planned")
    house.broker.config = f'sandbox-read = "{folder}"\nlistener "mqtts" {{ port = 8883 }}\n'
    house.broker.restart()
    reload(house, house.broker.config + named(folder).replace("mqtts", "more").replace(
        "8883", str(free_port())), RELOADED)
    assert "outside" not in house.broker.log()


def token_with_key(base):
    """A PKCS#11 token of SoftHSM with a key for the CA; its PIN is in a file."""
    (base / "tokens").mkdir()
    (base / "softhsm.conf").write_text(f"directories.tokendir = {base}/tokens\n")
    (base / "pin").write_text("1234\n")
    (base / "pin").chmod(0o600)
    environment = {**os.environ, "SOFTHSM2_CONF": str(base / "softhsm.conf")}
    for words in (["softhsm2-util", "--init-token", "--free", "--label", "tacit", "--pin", "1234",
                   "--so-pin", "5678"],
                  ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt",
                   "ec_paramgen_curve:P-256", "-out", str(base / "key.pem")],
                  ["softhsm2-util", "--import", str(base / "key.pem"), "--token", "tacit",
                   "--label", "issuing", "--id", "01", "--pin", "1234"]):
        subprocess.run(words, check=True, capture_output=True, env=environment)
    return environment["SOFTHSM2_CONF"]


@pytest.mark.skipif(shutil.which("softhsm2-util") is None, reason="softhsm2 is not installed")
def test_a_token_signs_for_a_confined_broker(tmp_path, monkeypatch):
    """The module is loaded when it is needed, which is later; a revocation list has to be signed."""
    monkeypatch.setenv("SOFTHSM2_CONF", token_with_key(tmp_path))
    config = (f'sandbox = required\nsandbox-write = "{tmp_path}/tokens"\n'
              f'ca {{ key = "pkcs11:token=tacit;object=issuing;type=private?pin-source=file:'
              f'{tmp_path}/pin" }}\nlistener "mqtts" {{ port = 8883 }}\n')
    with House(config=config) as house:
        house.environment["SOFTHSM2_CONF"] = os.environ["SOFTHSM2_CONF"]
        house.tacit("device", "add", "lamp", "--role", "device", "--state", house.state,
                    "--config", house.broker.config_file, "--port", house.broker.port)
        serves(house)
        house.tacit("revoke", "lamp", "--reason", "superseded", "--state", house.state)
        house.wait("a new revocation list is published", 2, patience(20))


# -- another user ------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def lowered():
    """Started by root, runs as nobody; the log is root's, the state is nobody's."""
    with tempfile.TemporaryDirectory(prefix="tacit-user-") as folder:
        os.chmod(folder, 0o755)
        house = House(config='user = nobody\nlistener "mqtts" { port = 8883 }\n')
        house.state = house.broker.state = pathlib.Path(folder) / "state"
        with house:
            yield house


def as_nobody(code, *arguments):
    """What becomes of Python code, said by a process of that user."""
    return subprocess.run([sys.executable, "-c", code, *map(str, arguments)], user="nobody",
                          group="nogroup", extra_groups=[], capture_output=True, text=True,
                          timeout=patience(20), check=False, cwd="/")


@ROOTLY
def test_user_is_changed_for_good(lowered):
    status = pathlib.Path(f"/proc/{lowered.broker.process.pid}/status").read_text()
    nobody = 65534
    assert re.search(rf"Uid:\t{nobody}\t{nobody}\t{nobody}\t{nobody}\n", status)
    assert re.search(rf"Gid:\t{nobody}\t{nobody}\t{nobody}\t{nobody}\n", status)
    assert re.search(r"CapEff:\t0+\n", status) and re.search(r"CapBnd:\t0+\n", status)
    assert all(path.stat().st_uid == nobody for path in lowered.state.rglob("*"))
    assert "runs as root" not in lowered.broker.log()


@ROOTLY
def test_memory_is_closed_to_the_same_user(lowered):
    """Keys are in memory: neither /proc nor ptrace shows it to another process of that user."""
    pid = lowered.broker.process.pid
    code = "import sys; open(f'/proc/{sys.argv[1]}/{sys.argv[2]}', 'rb').read(1)"
    for name in ("mem", "maps", "environ", "auxv", "pagemap"):
        done = as_nobody(code, pid, name)
        assert "PermissionError" in done.stderr, (name, done.stdout + done.stderr)
    trace = ("import ctypes, os, sys; c = ctypes.CDLL(None, use_errno=True); "
             "r = c.ptrace(16, int(sys.argv[1]), 0, 0); print(r, ctypes.get_errno())")
    assert as_nobody(trace, pid).stdout.split() == ["-1", str(errno.EPERM)]
    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
    assert re.search(r"Max core file size\s+0\s+0", limits)


@ROOTLY
@pytest.mark.skipif(shutil.which("gcore") is None, reason="gdb is not installed")
def test_no_core_for_the_same_user(lowered, tmp_path):
    os.chmod(tmp_path, 0o777)
    done = subprocess.run(["gcore", "-o", str(tmp_path / "core"), str(lowered.broker.process.pid)],
                          user="nobody", group="nogroup", extra_groups=[], capture_output=True,
                          text=True, timeout=patience(60), check=False, cwd="/",
                          env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"})
    assert done.returncode != 0 and not list(tmp_path.iterdir()), done.stdout + done.stderr
    assert lowered.broker.alive()


@ROOTLY
def test_no_core_of_a_crash(tmp_path):
    """A process that is killed by a signal that dumps core leaves none."""
    with House() as house:
        process = house.broker.process
        process.send_signal(signal.SIGSEGV)
        process.wait(patience(10))
        assert process.returncode == -signal.SIGSEGV
        assert not any(path.name.startswith("core") for path in pathlib.Path.cwd().iterdir())
        house.broker.start()


@ROOTLY
def test_a_user_that_does_not_exist():
    house = House(config='user = no-such-user-here\nlistener "mqtts" { port = 8883 }\n')
    try:
        done = subprocess.run(house.broker.command(), capture_output=True, text=True,
                              timeout=patience(20), check=False)
    finally:
        house.folder.cleanup()
    assert done.returncode == 1 and "there is no such user" in done.stderr


@ROOTLY
def test_root_is_told_what_to_do(probed):
    assert 'runs as root and stays it: write user = "NAME"' in probed.broker.log()

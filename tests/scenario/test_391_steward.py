# SPDX-License-Identifier: Apache-2.0
"""A4: the process that reads what strangers send has no key of the CA, neither in memory nor on
disk; its steward has it, and nothing else. What is signed goes on being signed, also over a state
folder of before, and tacitd without its steward serves who is there."""

import errno
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from support.broker import FOREIGN, TACIT, TACITD
from support.patience import WITHIN_S, patience
from support.ports import free_port
from support.probe import ProbedHouse
from support.secure import House

INSTRUMENTED = not FOREIGN and TACITD.exists() and "a build with instruments" in subprocess.run(
    [str(TACITD), "--check"], capture_output=True, text=True, check=False).stdout
pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")
CONFINED = pytest.mark.skipif(INSTRUMENTED, reason="builds with instruments are not confined, and keep what was freed")
ROOTLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root reads the memory of others")

CONFIG = 'listener "mqtts" { port = 8883 }\n'
GONE = "nothing is signed until tacitd is restarted"


def stat_of(pid):
    """Name, state and parent of a process; None: there is none."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    name, rest = re.match(r"\d+ \((.*)\) (.*)", text).groups()
    return name, rest.split()[0], int(rest.split()[1])


def steward_of(house):
    """The process id of the broker's steward."""
    parent = house.broker.process.pid
    found = [int(entry) for entry in os.listdir("/proc") if entry.isdigit()
             and (stat_of(entry) or ("", "", 0))[::2] == ("steward", parent)]
    assert len(found) == 1, found
    return found[0]


def wait_for(happened, what, seconds=10):
    deadline = time.monotonic() + patience(seconds)
    while not happened():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def has_ended(pid):
    status = stat_of(pid)
    return status is None or status[1] == "Z"


def serves(house, name="lamp"):
    one = house.connect(name).open(name)
    one.publish(f"devices/{name}/state", b"on", qos=1)
    one.close()


def offer(house, name):
    """A one-time token, as arguments of the tool that enrols."""
    return house.tacit("device", "add", name, "--role", "device", "--token-only", "--json",
                       "--state", house.state, "--port", house.broker.port).stdout


def enrol(house, name, code=0):
    command = re.search(r'"command": *"tacit ([^"]+)"', offer(house, name)).group(1).split()
    return house.tacit(*command, code=code)


@pytest.fixture
def house():
    with House(config=CONFIG) as one:
        one.add("lamp", "device")
        yield one


# -- what it can do ------------------------------------------------------------------------------

@CONFINED
def test_the_steward_from_inside():
    """The key, and no file but its own, no socket, no program, no process."""
    with ProbedHouse(config="sandbox = required\n" + CONFIG) as house:
        pid = steward_of(house)
        found = house.attempts(pid, pid)
        allowed = {attempt for attempt, error in found.items() if error == 0}
        assert allowed == {"read-ca-key", "read-root-key", "list-ca"}, found
        assert found["read-secret"] == found["write-own"] == found["write-state"] == errno.EACCES
        for attempt in ("exec", "fork", "ptrace", "connect", "connect-unix", "datagram",
                        "map-code", "make-code", "signal"):
            assert found[attempt] == errno.EPERM, (attempt, found)
        files = [os.readlink(entry) for entry in pathlib.Path(f"/proc/{pid}/fd").iterdir()]
        assert sum(target.startswith("socket:") for target in files) == 1, files
        assert not has_ended(pid)
        house.add("lamp", "device")
        enrol(house, "bell")
        serves(house)


# -- where the key is ----------------------------------------------------------------------------

def scalar_of(path):
    """The private number of a P-256 key."""
    text = subprocess.run(["openssl", "pkey", "-in", str(path), "-noout", "-text"], check=True,
                          capture_output=True, text=True).stdout
    digits = re.search(r"priv:\s*((?:[0-9a-f]{2}[:\s]*)+)", text).group(1)
    return bytes.fromhex(re.sub(r"[:\s]", "", digits))[-32:].rjust(32, b"\0")


def memory_of(pid):
    """All that is mapped and can be read, piece by piece."""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb") as mem:
        for line in maps:
            begin, end = (int(text, 16) for text in line.split()[0].split("-"))
            if not line.split()[1].startswith("r") or "[v" in line:
                continue
            try:
                mem.seek(begin)
                yield mem.read(end - begin)
            except (OSError, ValueError, OverflowError):
                continue


def has_in_memory(pid, secret):
    """In either order of bytes, or as its file has it."""
    forms = [secret, secret[::-1]]
    return any(form in piece for piece in memory_of(pid) for form in forms)


def pem_of(path):
    """A line of the file that no other key has."""
    return path.read_bytes().splitlines()[2][:32]


@ROOTLY
@CONFINED
def test_memory_has_no_key_of_the_ca(house):
    """From the first start on, which made it, and while it signs; the steward's has: or this could
    not fail."""
    keys = [scalar_of(house.state / "ca" / name) for name in ("ca.key", "root.key")]
    keys.append(scalar_of(house.state / "admin/admin.key"))
    lines = [pem_of(house.state / "ca" / name) for name in ("ca.key", "root.key")]
    enrol(house, "bell")
    house.tacit("revoke", "bell", "--reason", "superseded", "--state", house.state)
    pid = house.broker.process.pid
    try:
        next(memory_of(pid))
    except PermissionError:
        pytest.skip("root may not read memory here")
    for secret in keys + lines:
        assert not has_in_memory(pid, secret)
    assert has_in_memory(pid, scalar_of(house.state / "server/server.key"))
    assert has_in_memory(steward_of(house), keys[0])


@ROOTLY
def test_the_steward_is_the_user_too():
    with tempfile.TemporaryDirectory(prefix="tacit-user-") as folder:
        os.chmod(folder, 0o755)
        one = House(config="user = nobody\n" + CONFIG)
        one.state = one.broker.state = pathlib.Path(folder) / "state"
        with one:
            status = pathlib.Path(f"/proc/{steward_of(one)}/status").read_text()
            assert re.search(r"Uid:\t65534\t65534\t65534\t65534\n", status)
            assert re.search(r"CapEff:\t0+\n", status) and "NoNewPrivs:\t1" in status


# -- its end -------------------------------------------------------------------------------------

def test_it_ends_with_the_broker(house):
    pid = steward_of(house)
    house.broker.kill()
    wait_for(lambda: has_ended(pid), "the steward lives on")
    house.broker.start()
    pid = steward_of(house)
    house.broker.stop()
    assert has_ended(pid)
    house.broker.start()


def test_it_ignores_what_is_meant_for_the_broker(house):
    pid = steward_of(house)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(pid, number)
    enrol(house, "bell")
    assert steward_of(house) == pid


def test_without_it_the_broker_goes_on(house):
    """Nothing is signed, the log says so once, and a restart mends it."""
    os.kill(steward_of(house), signal.SIGKILL)
    house.wait(GONE, 1, patience(10))
    serves(house)
    failed = enrol(house, "bell", code=None)
    assert failed.returncode != 0 and "restart tacitd" in failed.stderr + house.broker.log()
    serves(house)
    assert len(house.lines(GONE)) == 1
    house.broker.restart()
    enrol(house, "clock")
    serves(house)


# -- state folders and configurations ------------------------------------------------------------

def test_a_folder_of_before(house):
    """As an earlier tacitd left it: the next start makes of it what it needs, without being told."""
    house.broker.stop()
    for name in ("trust", "learning", "crl", "blocked-keys"):
        shutil.rmtree(house.state / name)
    (house.state / "observed").write_text("what an earlier one has seen\n")
    house.broker.start()
    assert not (house.state / "observed").exists()
    assert (house.state / "learning/observed").exists()
    for name in ("ca.crt", "root.crt"):
        assert (house.state / "trust" / name).read_bytes() == (
            house.state / "ca" / name).read_bytes()
    serves(house)
    enrol(house, "bell")
    house.tacit("revoke", "bell", "--reason", "superseded", "--state", house.state)
    assert (house.state / "crl/ca.crl").exists()


def replace(path, text):
    """As an editor does."""
    other = path.with_suffix(".new")
    other.write_text(text)
    os.rename(other, path)


def test_a_configuration_in_the_state_folder():
    """Put there, replaced by a rename, and read by a reload, though tacitd cannot open it."""
    with House() as house:
        port = free_port()
        place = house.state / "tacit.conf"
        house.broker.stop()
        place.write_text(CONFIG)
        house.broker.start()
        replace(place, CONFIG + f'listener "more" {{ port = {port} }}\n')
        house.broker.reload()
        house.wait(rf'listener "more" on every address, port {port}', 1, patience(10))
        assert "outside" not in house.broker.log()


def test_our_own_authority_by_name(house):
    """client-ca may name what is in ca/; a renewal of the CA is followed."""
    house.broker.config = CONFIG.replace(
        "8883", f'8883 client-ca = "{house.state}/ca/ca.crt"').replace(" client-ca", "\nclient-ca")
    house.broker.restart()
    serves(house)
    before = len(house.lines("certificates read again"))
    house.tacit("ca", "renew", "--state", house.state)
    house.wait("certificates read again", before + 1, WITHIN_S + patience(5))
    house.add("bell", "device")
    serves(house, "bell")
    serves(house)


@CONFINED
def test_a_folder_that_gives_the_keys_away_is_told(house):
    house.broker.config = f'sandbox-read = "{house.state.parent}"\n' + CONFIG
    house.broker.restart()
    assert "and the keys of the CA with it" in house.broker.log()

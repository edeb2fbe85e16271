# SPDX-License-Identifier: Apache-2.0
"""Promise I6: device and broker turn a ratchet at each connect. Who has a copy of a device's folder is
noticed although the two are never online together; and nothing else is taken for that."""

import contextlib
import json
import shutil
import subprocess
import time
import types

import pytest

from support import wire
from support.broker import FOREIGN, TACIT, TACITD
from support.enrolled import Enrolled
from support.patience import patience
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

CONFIG = """
shards = {shards}
log {{ format = json level = debug }}
role "device" {{
  publish   = {{ "devices/%{{device}}/#" }}
}}
role "strict" {{
  publish   = {{ "devices/%{{device}}/#" }}
  ratchet   = required
}}
role "loose" {{
  publish   = {{ "devices/%{{device}}/#" }}
  ratchet   = off
}}
role "waived" {{
  publish   = {{ "devices/%{{device}}/#" }}
  ratchet   = required
  clone     = allow
}}
role "dropped" {{
  publish   = {{ "devices/%{{device}}/#" }}
  clone     = drop-both
}}
role "kept" {{
  publish   = {{ "devices/%{{device}}/#" }}
  clone     = keep-first
}}
role "many" {{
  publish   = {{ "devices/%{{device}}/#" }}
  clone     = allow
}}
listener "mqtts" {{
  port = 8883
  client-certificates = required
}}
"""
REFUSED = 3


@pytest.fixture(scope="module", params=[1, 3], ids=lambda n: f"shards{n}")
def house(request):
    with House() as one:
        one.broker.stop()
        (one.state / "tacit.conf").write_text(CONFIG.format(shards=request.param))
        one.broker.start()
        yield one


@pytest.fixture
def make(house, tmp_path):
    make.count = getattr(make, "count", 0)

    def new(role="device", *words):
        make.count += 1
        return Enrolled.make(house, tmp_path / "original", f"lamp-{make.count}x", role, *words)

    return new


def events(house, kind, device):
    return [event for event in map(json.loads, filter(lambda line: line.startswith("{"),
                                                      house.broker.log().splitlines()))
            if event.get("event") == kind and event.get("device") == device.name]


def clones(house, device):
    return events(house, "clone", device)


def shown(house, device):
    return json.loads(house.tacit("device", "show", device.name, "--json", "--state",
                                  house.state).stdout)


def soon(check, seconds=patience(4.0)):
    until = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < until, "it does not come about"
        time.sleep(0.02)


def is_held(house, device):
    return "held" in shown(house, device)


@contextlib.contextmanager
def waiting(device, version=5, client_id=None):
    """It connects, and is expected to be left without an answer."""
    with device.start(version, client_id) as process:
        try:
            yield
            assert process.poll() is None, process.stdout.read()
        finally:
            process.kill()


def comes_in(device):
    """Once the broker has heard of a release, a second at most after it."""
    def is_in():
        with device.popen(*device.words(wait_s=1)) as process:
            process.communicate(timeout=patience(20.0))
            return process.returncode == 0

    soon(is_in, patience(20.0))


def is_noticed(house, device):
    soon(lambda: clones(house, device))
    soon(lambda: is_held(house, device))
    (event,) = clones(house, device)
    return event


@pytest.mark.parametrize("version", [5, 4])
def test_a_copy_that_is_never_online_together_with_the_original(house, make, tmp_path, version):
    original = make()
    for turn in (1, 2):
        original.connect(version)
        assert original.counter() == turn
    assert shown(house, original)["ratchet"]["counter"] == 2
    copy = original.copy(tmp_path / "copy")
    original.connect(version)
    with waiting(copy, version, f"{copy.name}-other"):
        event = is_noticed(house, original)
        assert event["done"] == "hold"
        assert event["address"] and event["other_address"]
        assert event["address"] != event["other_address"]
        assert event["client"] == f"{copy.name}-other" and event["other_client"] == original.name
        assert event["undo"] == f"tacit device release {original.name}"
        with waiting(original, version):
            soon(lambda: len(events(house, "held", original)) == 2)
    assert len(clones(house, original)) == 1


@pytest.mark.parametrize("version", [5, 4])
def test_original_copy_original(house, make, tmp_path, version):
    """The copy is the first to connect: then it is the original that is left behind."""
    original = make()
    original.connect(version)
    copy = original.copy(tmp_path / "copy")
    copy.connect(version)
    with waiting(original, version):
        is_noticed(house, original)
        with waiting(copy, version):
            soon(lambda: len(events(house, "held", original)) == 2)


def test_who_has_the_key_alone_is_refused(house, make):
    device = make()
    device.connect()
    device.file("ratchet").rename(device.folder / "away")
    for version in (5, 4):
        output = device.connect(version, code=REFUSED)
        assert version == 4 or "turns a ratchet and came without it" in output
    (device.folder / "away").rename(device.file("crt").with_suffix(".ratchet"))
    device.connect()
    assert device.counter() == 2
    assert not clones(house, device)


def test_who_begins_anew_with_the_key_alone_is_noticed(house, make):
    device = make()
    device.connect()
    device.file("ratchet").write_bytes(bytes([1]) + bytes(40))
    with waiting(device):
        is_noticed(house, device)


def test_who_asks_for_another_key_with_one_that_was_stolen_is_noticed(house, make, tmp_path):
    """The key alone lets one renew it: that must not be a way around the ratchet."""
    original = make()
    original.connect()
    thief = original.copy(tmp_path / "copy")
    thief.tacit("enroll", "--renew", "--as", thief.name, "--new-key", "--force")
    thief.file("ratchet").unlink()
    assert "turns a ratchet and came without it" in thief.connect(code=REFUSED)
    thief.file("crt").with_suffix(".ratchet").write_bytes(bytes([1]) + bytes(40))
    with waiting(thief):
        is_noticed(house, original)


def test_nobody_else_reads_any_of_it(house, make):
    device = make()
    device.connect()
    files = [*device.file("ratchet").parent.glob(f"{device.name}.ratchet*"),
             *house.state.glob("ratchet.db*")]
    assert {path.name for path in files} >= {f"{device.name}.ratchet", "ratchet.db",
                                             "ratchet.db-wal"}
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}


def test_release_and_reset(house, make, tmp_path):
    original = make()
    original.connect()
    copy = original.copy(tmp_path / "copy")
    original.connect()
    with waiting(copy):
        is_noticed(house, original)
    house.tacit("device", "release", original.name, "--state", house.state)
    comes_in(original)
    before = original.counter()
    original.connect()
    assert original.counter() == before + 1
    # A device that was put back from a backup.
    shutil.copy(copy.file("ratchet"), original.file("ratchet"))
    with waiting(original):
        soon(lambda: is_held(house, original))
    house.tacit("device", "release", original.name, "--reset-ratchet", "--state", house.state)
    assert shown(house, original)["ratchet"] is None
    comes_in(original)
    original.connect()
    assert not is_held(house, original) and len(clones(house, original)) == 2


@pytest.mark.parametrize("role,is_held_after", [("dropped", False), ("kept", False)])
def test_what_follows_is_up_to_the_role(house, make, tmp_path, role, is_held_after):
    original = make(role)
    original.connect()
    copy = original.copy(tmp_path / "copy")
    original.connect()
    assert "ratchet was copied" in copy.connect(code=REFUSED)
    assert len(clones(house, original)) == 1
    assert is_held(house, original) == is_held_after
    original.connect()


@pytest.mark.parametrize("role", ["loose", "many"])
def test_off_believes_whoever_comes(house, make, tmp_path, role):
    original = make(role)
    original.connect()
    copy = original.copy(tmp_path / "copy")
    for device in (original, copy, original, copy):
        device.connect()
    copy.file("ratchet").unlink()
    copy.connect()
    assert not clones(house, original)


def test_required_refuses_who_never_had_one(house, make):
    device = make("strict")
    device.file("ratchet").unlink()
    assert "needs a device that turns a ratchet" in device.connect(code=REFUSED)
    house.add("plain", "strict")
    with contextlib.closing(house.connect("plain")) as client:
        client.send(wire.connect(5, "plain", True))
        client.expect(wire.CONNACK, reason=0x87)


def test_a_rule_that_asks_and_does_not_look_is_warned_of(house):
    warning = 'role "waived" asks for a ratchet and believes whatever it says'
    checked = subprocess.run([TACITD, "--check", "--config", house.state / "tacit.conf"],
                             capture_output=True, text=True, timeout=patience(30.0), check=True)
    assert checked.stdout.count(warning) == 1
    assert house.broker.log().count("asks for a ratchet and believes whatever it says") == 1
    found = json.loads(house.tacit("policy", "check", "--json", "--state", house.state,
                                   code=None).stdout)["findings"]
    assert [one["role"] for one in found if one["kind"] == "ratchet-waived"] == ["waived"]


def test_devices_that_never_had_one_are_not_asked(house):
    house.add("stock", "device")
    for version in (5, 4):
        with contextlib.closing(house.connect("stock", version)) as client:
            client.send(wire.connect(version, "stock", True))
            client.expect(wire.CONNACK, reason=0)
    assert json.loads(house.tacit("device", "show", "stock", "--json", "--state",
                                  house.state).stdout)["ratchet"] is None


def test_what_is_no_message_is_refused(house):
    house.add("liar", "device")
    for data in (b"", b"1", b"\1" * 72, b"\2" * 73, b"\1" * 74):
        with contextlib.closing(house.connect("liar", 4)) as client:
            client.send(wire.connect(4, "liar", True, username="tacit-ratchet-1", password=data))
            client.expect(wire.CONNACK, reason=0 if not data else 5)


def test_renewal_and_another_key_keep_it(house, make):
    device = make()
    device.connect()
    device.tacit("enroll", "--renew", "--as", device.name, "--force")
    device.connect()
    device.tacit("enroll", "--renew", "--as", device.name, "--new-key", "--force")
    device.connect()
    assert device.counter() == 3 == shown(house, device)["ratchet"]["counter"]
    assert not clones(house, device)


def test_another_name_is_no_way_out_of_it(house, make, tmp_path):
    """Renamed, and with a certificate of the new name for the same key: it goes on where it stood."""
    device = make("device", "--key-store", "file")
    device.connect()
    copy = device.copy(tmp_path / "copy")
    device.connect()
    name = f"{device.name}-new"
    renamed = types.SimpleNamespace(name=name)
    house.tacit("device", "rename", device.name, name, "--state", house.state)
    assert shown(house, renamed)["ratchet"]["counter"] == 2
    csr = tmp_path / "new.csr"
    subprocess.run(["openssl", "req", "-new", "-key", device.file("key"), "-subj", f"/CN={name}",
                    "-out", csr], check=True, capture_output=True)
    house.tacit("device", "add", name, "--role", "device", "--csr", csr, "--out", tmp_path / "new",
                "--state", house.state)
    for one in (device, copy):
        shutil.copy(tmp_path / f"new/{name}.crt", one.file("crt"))
    words = ("pub", "--as", device.name, "-i", name, "-q", "1", f"devices/{name}/x", "-m", "1")
    device.tacit(*words)
    device.tacit(*words)
    assert device.counter() == 4 == shown(house, renamed)["ratchet"]["counter"]
    device.file("ratchet").unlink()
    assert "came without it" in device.tacit(*words, code=REFUSED)
    assert not clones(house, renamed)
    with copy.popen(*words) as process:
        is_noticed(house, renamed)
        process.kill()


def test_another_device_in_its_place(house, make, tmp_path):
    """A new token, a new key: whatever was there before is nobody's copy."""
    broken = make()
    for _ in range(3):
        broken.connect()
    token = json.loads(house.tacit("device", "token", broken.name, "--json", "--state",
                                   house.state, "--host", "localhost", "--port",
                                   house.broker.port).stdout)
    spare = Enrolled(house, tmp_path / "spare", broken.name)
    spare.tacit(*token["command"].split()[1:])
    spare.connect()
    spare.connect()
    assert not clones(house, broken)


def test_several_programs_of_one_device(house, make):
    device = make()
    crowd = [device.popen(*device.words(client_id=f"{device.name}-{i}x")) for i in range(6)]
    for process in crowd:
        output, _ = process.communicate(timeout=patience(60))
        assert process.returncode == 0, output
    assert device.counter() == 6
    assert not clones(house, device)

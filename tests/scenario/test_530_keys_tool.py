# SPDX-License-Identifier: Apache-2.0
"""I7: `tacit keys`: which keys a device has, and how one gets to a better place without an end."""

import json
import pathlib
import shutil
import socket
import subprocess
import threading
import time

import pytest

from support.broker import FOREIGN, TACIT
from support.device import LEVELS, Machine, enrol, level, stores
from support.patience import patience
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

ROLES = """
role "any" {
  publish = { "meters/%{device}" }
}
"""
DONE, FAILED, USAGE, FOUND, UNREACHED = 0, 1, 2, 3, 4


@pytest.fixture(scope="module")
def house():
    with House(config=ROLES) as one:
        yield one


def listed(machine, *words, code=DONE):
    return {pathlib.Path(one["file"]).name: one for one in json.loads(
        machine.tacit("keys", "list", "--json", *words, code=code).stdout)["keys"]}


def migrate(machine, name, to, *words, code=DONE):
    done = machine.tacit("keys", "migrate", "--as", name, "--to", to, "--json", *words, code=code)
    return json.loads(done.stdout) if code == DONE else done.stderr


def files(machine, name):
    """Those of its key and certificate; its ratchet goes on whatever becomes of them."""
    folder = pathlib.Path(machine.key(name)).parent
    return sorted(one.name for one in folder.glob(f"{name}.*")
                  if not one.name.startswith(f"{name}.ratchet"))


def public_half(machine, name):
    return listed(machine, code=None)[f"{name}.key"]["sha256"]


# ---- list ----


def test_every_key_is_listed_with_all_that_is_asked(house, tmp_path, tpm, token):
    machine = Machine(tmp_path / "m", tpm, token)
    for kind in LEVELS:
        enrol(house, machine, f"l-{kind}", stores(token, f"l-{kind}")[kind])
    found = listed(machine)
    assert set(found) == {f"l-{kind}.key" for kind in LEVELS}
    for kind in LEVELS:
        one = found[f"l-{kind}.key"]
        shown = json.loads(house.tacit("device", "show", f"l-{kind}", "--json", "--state",
                                       house.state).stdout)
        assert one["level"] == kind and one["opens"] and one["good"] and one["mode"] == "0600"
        assert one["sha256"] == shown["key_sha256"] and one["algorithm"] == "p256"
        assert one["certificate"]["sha256"] == shown["certificate"]["sha256"]
        assert one["certificate"]["not_after"] == shown["certificate"]["not_after"]
    assert found["l-sealed.key"]["sealed_by"] == "tpm"
    text = machine.tacit("keys", "list").stdout
    assert "l-sealed  sealed (TPM)" in text and found["l-plain.key"]["sha256"] in text


def test_a_folder_alone_and_none(house, tmp_path):
    machine = Machine(tmp_path / "m")
    assert listed(machine) == {}
    enrol(house, machine, "alone", "sealed")
    folder = pathlib.Path(machine.key("alone")).parent
    shutil.copytree(folder, tmp_path / "copy")
    assert set(listed(machine, "--dir", tmp_path / "copy")) == {"alone.key"}
    machine.tacit("keys", "list", "--dir", tmp_path / "no-such-folder", code=FAILED)


def test_what_cannot_be_opened_is_listed_with_the_reason(house, tmp_path, token):
    machine = Machine(tmp_path / "m", token)
    enrol(house, machine, "moved", "sealed")
    enrol(house, machine, "open", "file")
    enrol(house, machine, "locked", token.uri("locked"))
    enrol(house, machine, "other", "file")
    (tmp_path / "m/.state/tacit-device/machine-secret").write_bytes(b"x" * 32)
    pathlib.Path(machine.key("open")).chmod(0o644)
    token.pin.write_text("000000\n")
    own, others = (pathlib.Path(machine.key(n)).with_suffix(".crt") for n in ("other", "moved"))
    shutil.copy(others, own)
    found = listed(machine, code=FOUND)
    token.pin.write_text("123456\n")
    for name, why in (("moved", "another machine"), ("open", "chmod 600"), ("locked", "PIN")):
        one = found[f"{name}.key"]
        assert not one["opens"] and not one["good"] and why in one["reason"], one
    assert found["open.key"]["mode"] == "0644"
    assert found["other.key"]["opens"] and not found["other.key"]["good"]
    assert found["other.key"]["certificate"]["state"] == "of another key"


# ---- migrate ----


def test_a_file_is_sealed_with_the_key_it_has(house, tmp_path):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "stays", "file")
    before, path = public_half(machine, "stays"), machine.key("stays")
    with open(path, "rb") as kept_open:
        told = migrate(machine, "stays", "sealed")
        kept_open.seek(0)
        assert b"PRIVATE" not in kept_open.read(), "the old file was not overwritten"
    assert (told["from"], told["to"], told["how"]) == ("plain", "sealed", "same key")
    assert told["wiped"] and told["broker_knows"] and "backups" in told["copies"]
    assert public_half(machine, "stays") == before and level(house, "stays") == "sealed"
    assert files(machine, "stays") == ["stays.crt", "stays.key"]
    assert "BEGIN PRIVATE KEY" not in pathlib.Path(path).read_text()
    machine.publish("stays")
    assert migrate(machine, "stays", "sealed")["how"] == "nothing to do"


def test_with_a_new_key_copies_of_the_old_one_are_worth_nothing(house, tmp_path):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "fresh", "file")
    before = public_half(machine, "fresh")
    told = migrate(machine, "fresh", "sealed", "--new-key")
    assert told["how"] == "new key" and told["wiped"] and "copies" not in told
    assert public_half(machine, "fresh") != before and level(house, "fresh") == "sealed"
    machine.publish("fresh")


@pytest.mark.parametrize("kind", ["pkcs11", "tpm"])
def test_hardware_makes_another_key_and_says_so(house, tmp_path, tpm, token, kind):
    machine = Machine(tmp_path / "m", tpm, token)
    name = f"hard-{kind}"
    enrol(house, machine, name, "file")
    before = public_half(machine, name)
    done = machine.tacit("keys", "migrate", "--as", name, "--to", stores(token, name)[kind])
    assert "none is taken from outside" in done.stdout
    assert "overwritten and removed" in done.stdout
    assert public_half(machine, name) != before and level(house, name) == kind
    assert files(machine, name) == [f"{name}.crt", f"{name}.key"]
    machine.publish(name)
    assert "better than that" in migrate(machine, name, "sealed", code=USAGE)


def test_a_seal_of_the_machine_becomes_one_of_its_tpm(house, tmp_path, tpm):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "better", "sealed")
    assert listed(machine)["better.key"]["sealed_by"] == "machine"
    machine.environment |= tpm.environment()
    told = migrate(machine, "better", "sealed")
    assert told["how"] == "same key" and told["sealed_by"] == "tpm"
    shutil.rmtree(tmp_path / "m/.state")
    machine.publish("better")


def test_no_server_no_change(house, tmp_path, token):
    """The seal needs none, and tells the broker later; hardware's key needs one."""
    machine = Machine(tmp_path / "m", token)
    enrol(house, machine, "offline", "file")
    path = machine.folder / ".config/tacit/profiles/offline.json"
    text = path.read_text()
    port = json.loads(text)["enrolment"].rsplit(":", 1)[1]
    path.write_text(text.replace(f":{port}", ":1"))
    before = public_half(machine, "offline")
    migrate(machine, "offline", token.uri("offline"), code=UNREACHED)
    assert public_half(machine, "offline") == before
    assert files(machine, "offline") == ["offline.crt", "offline.key", "offline.key.next"]
    machine.publish("offline")
    why = migrate(machine, "offline", "sealed", code=FAILED)
    assert "complete that first" in why
    path.write_text(text)
    assert migrate(machine, "offline", token.uri("offline"))["wiped"]
    machine.publish("offline")


@pytest.mark.parametrize("words, why", [
    (("--to", "file"), "better than that"), (("--to", "cellar"), "no store of keys"), ((), "--to"),
    (("--to", "tpm:0x81000010"), "say --to tpm"),
    (("--to", "pkcs11:token=a;object=b?pin-value=1"), "no PIN stands"),
    (("--to", "sealed", "--as", "nobody"), "no good profile")])
def test_what_cannot_be_is_refused(house, tmp_path, words, why):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, f"ref{tmp_path.name[-8:]}".replace("_", "-"), "sealed")
    assert why in machine.tacit("keys", "migrate", *words, code=USAGE).stderr


# ---- cut short, with the server involved; every step on the disk is in keys_import_test.c ----


class Relay:
    """Between a device and the server for enrolment. What the server says after the handshake is
    kept back; with `mute` nothing passes at all."""

    def __init__(self, port, mute):
        self.target, self.mute = port, mute
        self.server_spoke, self.asked, self.came = (threading.Event() for _ in range(3))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.ends = [self.listener]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        near, _ = self.listener.accept()
        far = socket.create_connection(("127.0.0.1", self.target))
        self.ends += [near, far]
        self.came.set()
        if not self.mute:
            threading.Thread(target=self.pass_on, args=(far, near), daemon=True).start()
            self.pass_on(near, far)

    def pass_on(self, source, sink):
        """A device speaks a second time when it has all of the server's handshake."""
        is_server = source is self.ends[2]
        try:
            while data := source.recv(65536):
                if is_server:
                    self.server_spoke.set()
                elif self.server_spoke.is_set():
                    self.asked.set()
                if not is_server or not self.asked.is_set():
                    sink.sendall(data)
        except OSError:
            pass

    def close(self):
        for one in self.ends:
            one.close()


def begin(machine, name, to, relay):
    """A move that goes through the relay; the profile is as before afterwards."""
    path = machine.folder / f".config/tacit/profiles/{name}.json"
    text = path.read_text()
    port = json.loads(text)["enrolment"].rsplit(":", 1)[1]
    path.write_text(text.replace(f":{port}", f":{relay.port}"))
    process = subprocess.Popen(  # pylint: disable=consider-using-with
        [TACIT, "keys", "migrate", "--as", name, "--to", to], env=machine.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return process, lambda: path.write_text(text)


def enrolment_port(machine, name):
    text = (machine.folder / f".config/tacit/profiles/{name}.json").read_text()
    return int(json.loads(text)["enrolment"].rsplit(":", 1)[1])


def registered(house, name):
    return json.loads(house.tacit("device", "show", name, "--json", "--state",
                                  house.state).stdout)["key_sha256"]


@pytest.mark.parametrize("taken", [False, True], ids=["not-asked", "taken-not-told"])
def test_killed_with_the_server_on_the_way(house, tmp_path, tpm, taken):
    machine = Machine(tmp_path / "m", tpm)
    name = f"killed-{'taken' if taken else 'early'}"
    enrol(house, machine, name, "file")
    before = registered(house, name)
    relay = Relay(enrolment_port(machine, name), mute=not taken)
    process, restore = begin(machine, name, "tpm", relay)
    try:
        assert relay.came.wait(patience(20))
        deadline = time.monotonic() + patience(20)
        while taken and registered(house, name) == before:
            assert time.monotonic() < deadline, "the broker does not take the new key"
    finally:
        process.kill()
        process.wait()
        relay.close()
        restore()
    assert {f"{name}.key", f"{name}.key.next"} <= set(files(machine, name))
    if not taken:
        machine.publish(name)
    told = migrate(machine, name, "tpm")
    assert told["to"] == "tpm" and told["wiped"]
    assert level(house, name) == "tpm"
    assert files(machine, name) == [f"{name}.crt", f"{name}.key"]
    machine.publish(name)

# SPDX-License-Identifier: Apache-2.0
"""I7, I8: where a device's key is kept, what a copy of it is worth, and that a policy may ask."""

import json
import shutil
import time

import pytest

from support.broker import FOREIGN, TACIT
from support.device import LEVELS, Machine, enrol, level, stores
from support.hardware import Tpm
from support.patience import WITHIN_S
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

ROLES = "".join(f"""
role "{name}" {{
  require-key = {name}
  publish = {{ "meters/%{{device}}" }}
}}
""" for name in ("any", "sealed", "pkcs11", "tpm")) + """
role "copied" {
  publish = { "meters/%{device}" }
  ratchet = off
}
"""
ADMITS = {"any": LEVELS, "sealed": LEVELS[1:], "pkcs11": LEVELS[2:], "tpm": LEVELS[3:]}


@pytest.fixture(scope="module")
def house():
    with House(config=ROLES) as one:
        yield one


def test_each_store_is_declared_used_renewed_and_kept(house, tmp_path, tpm, token):
    machine = Machine(tmp_path / "m", tpm, token)
    for kind in LEVELS:
        name = f"kept-{kind}"
        enrol(house, machine, name, stores(token, name)[kind])
        machine.publish(name)
        first = open(machine.key(name), encoding="utf-8").read()
        machine.tacit("enroll", "--renew", "--force", "--as", name)
        assert open(machine.key(name), encoding="utf-8").read() == first
        machine.tacit("enroll", "--renew", "--force", "--new-key", "--as", name)
        assert open(machine.key(name), encoding="utf-8").read() != first
        machine.publish(name)
        assert level(house, name) == kind
        is_clear = "BEGIN PRIVATE KEY" in open(machine.key(name), encoding="utf-8").read()
        assert is_clear == (kind == "plain")


@pytest.mark.parametrize("role", ADMITS)
def test_a_role_asks_for_a_key(house, tmp_path, tpm, token, role):
    machine = Machine(tmp_path / "m", tpm, token)
    for kind in LEVELS:
        name = f"{role}-{kind}"
        enrol(house, machine, name, stores(token, name)[kind], role=role)
        done = machine.publish(name, code=None)
        assert (done.returncode == 0) == (kind in ADMITS[role]), done.stderr
        assert done.returncode == 0 or "the role asks for a key" in done.stderr


def test_a_key_moves_into_hardware_and_the_old_one_is_worth_nothing(house, tmp_path, tpm):
    machine = Machine(tmp_path / "m", tpm)
    # The ratchet would notice the thief, who has the whole folder, as soon as the machine comes.
    enrol(house, machine, "mover", "file", role="copied")
    shutil.copytree(machine.folder, tmp_path / "thief")
    thief = Machine(tmp_path / "thief")
    text = (thief.folder / ".config/tacit/profiles/mover.json").read_text()
    (thief.folder / ".config/tacit/profiles/mover.json").write_text(
        text.replace(str(machine.folder), str(thief.folder)))
    thief.publish("mover")
    machine.tacit("enroll", "--renew", "--force", "--new-key", "--key-store", "tpm", "--as",
                  "mover")
    assert level(house, "mover") == "tpm"
    machine.publish("mover")
    # A new key is looked up at once, and the one of before is out within a second.
    told = "not the one registered"
    deadline = time.monotonic() + WITHIN_S
    refused = thief.publish("mover", code=None)
    while told not in refused.stderr and time.monotonic() < deadline:
        refused = thief.publish("mover", code=None)
    assert refused.returncode != 0 and told in refused.stderr


@pytest.mark.parametrize("store", ["machine", "seal-tpm", "tpm"])
def test_a_copied_folder_opens_nowhere_else(house, tmp_path, store):
    first = Tpm(tmp_path / "tpm-1") if "tpm" in store else None
    other = Tpm(tmp_path / "tpm-2") if "tpm" in store else None
    try:
        machine = Machine(tmp_path / "m", *([first] if first else []))
        name = f"copied-{store}"
        enrol(house, machine, name, "tpm" if store == "tpm" else "sealed")
        machine.publish(name)
        # The other machine has a secret of its own: somebody enrolled there, too.
        elsewhere = Machine(tmp_path / "m2", *([other] if other else []))
        enrol(house, elsewhere, f"other-{store}", "sealed")
        shutil.copytree(machine.folder / ".config", elsewhere.folder / ".config",
                        dirs_exist_ok=True)
        done = elsewhere.publish(name, code=None)
        assert done.returncode != 0, "a copy of the folder was enough"
        machine.publish(name)
    finally:
        for one in (first, other):
            if one is not None:
                one.close()


def test_a_sealed_key_that_was_changed_does_not_open(house, tmp_path):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "changed", "sealed")
    path = machine.key("changed")
    lines = open(path, encoding="utf-8").read().splitlines()
    lines[2] = ("A" if lines[2][0] != "A" else "B") + lines[2][1:]
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    assert "or the file has been changed" in machine.publish("changed", code=None).stderr


def test_hardware_gives_no_key_out(house, tmp_path, tpm, token):
    machine = Machine(tmp_path / "m", tpm, token)
    enrol(house, machine, "inside-hsm", token.uri("inside-hsm"))
    listed = machine.run("pkcs11-tool", "--module", "/usr/lib/softhsm/libsofthsm2.so", "--login",
                         "--pin", "123456", "--list-objects", "--type", "privkey").stdout
    assert "sensitive" in listed and "never extractable" in listed and "local" in listed
    machine.run("tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", tmp_path / "primary")
    enrol(house, machine, "inside-tpm", "tpm:0x81000042")
    machine.run("tpm2_flushcontext", "-t")
    done = machine.run("tpm2_duplicate", "-C", "null", "-c", "0x81000042", "-G", "null", "-r",
                       tmp_path / "out.private", "-s", tmp_path / "out.seed", code=None)
    assert done.returncode != 0 and not (tmp_path / "out.private").exists()
    shown = machine.run("tpm2_readpublic", "-c", "0x81000042").stdout
    assert "fixedtpm|fixedparent|sensitivedataorigin" in shown


def test_an_examiner_uses_a_sealed_key_too(house, tmp_path):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "examiner", "sealed")
    done = machine.tacit("attack", f"localhost:{house.broker.port}", "--as", "examiner",
                         "--only", "sys-leakage", "--json", code=None)
    assert "private key" not in done.stderr and json.loads(done.stdout), done.stderr

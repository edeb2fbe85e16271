# SPDX-License-Identifier: Apache-2.0
"""I7: `tacit doctor`: what it says of each level of keys is what happens to who tries."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from support.broker import FOREIGN, TACIT
from support.device import LEVELS, Machine, enrol, stores
from support.patience import patience
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

ROLES = """
role "any" {
  publish = { "meters/%{device}" }
  subscribe = { "meters/%{device}" }
}
role "copied" {
  publish = { "meters/%{device}" }
  ratchet = off
}
"""
OK, WARN, USAGE, FAIL = 0, 1, 2, 3
EXITS = {"ok": OK, "warn": WARN, "fail": FAIL}
CHECKS = ["key.level", "key.signs", "certificate.key", "certificate.life", "certificate.authority",
          "clock.certificate", "file.mode", "file.folders", "file.copies", "ratchet", "reader.users",
          "reader.root", "reader.disk-image", "reader.backup", "reader.core-dump", "reader.swap",
          "entropy", "renewal", "server.enrolment", "clock.server", "server.verified",
          "server.broker", "server.tls"]
# What the folders above a test's own are like is the machine's business.
MACHINES_OWN = {"file.folders", "reader.core-dump", "reader.swap"}


@pytest.fixture(scope="module")
def house():
    with House(config=ROLES) as one:
        yield one


def doctor(machine, name, *words):
    """Its checks by id; verdict and exit code agree."""
    done = machine.tacit("doctor", "--as", name, "--json", *words, code=None)
    told = json.loads(done.stdout)
    worst = max(told["checks"], key=lambda one: EXITS[one["verdict"]])["verdict"]
    assert done.returncode == EXITS[told["verdict"]] and told["verdict"] == worst
    for one in told["checks"]:
        assert one["evidence"] and ("advice" in one) == (one["verdict"] != "ok"), one
    return {one["id"]: one for one in told["checks"]}


def verdict(checks, name):
    return checks[name]["verdict"]


def reader(checks, who):
    return checks[f"reader.{who}"]["evidence"].split(":")[0]


def failing(checks):
    return {one for one in checks if verdict(checks, one) == "fail"} - MACHINES_OWN


# ---- each level ----


def test_every_level_is_looked_at(house, tmp_path, tpm, token):
    machine = Machine(tmp_path / "m", tpm, token)
    for kind in LEVELS:
        name = f"d-{kind}"
        enrol(house, machine, name, stores(token, name)[kind])
        checks = doctor(machine, name)
        assert list(checks) == CHECKS and failing(checks) == set(), checks
        assert checks["server.tls"]["evidence"].startswith("TLSv1.3, TLS_")
        assert verdict(checks, "key.level") == ("ok" if kind != "plain" else "warn")
        text = machine.tacit("doctor", "--as", name, code=None).stdout
        assert all(one in text for one in CHECKS) and f"{name}: " in text.splitlines()[-1]
        machine.publish(name)


def thief_of(machine, folder):
    """Somebody with the files, and the profile as it has to be where they are now."""
    shutil.copytree(machine.folder, folder)
    thief = Machine(folder)
    for path in (folder / ".config/tacit/profiles").glob("*.json"):
        path.write_text(path.read_text().replace(str(machine.folder), str(folder)))
    return thief


@pytest.mark.parametrize("kind", ["plain", "sealed", "sealed-tpm", "tpm"])
def test_a_copied_disk_and_a_backup_are_worth_what_it_says(house, tmp_path, tpm, kind):
    """A disk is everything but the TPM; a backup has not the machine's secret either."""
    machine = Machine(tmp_path / "m", *([tpm] if "tpm" in kind else []))
    name = f"copy-{kind}"
    enrol(house, machine, name, {"plain": "file", "tpm": "tpm"}.get(kind, "sealed"),
          "copied")
    checks = doctor(machine, name, "--offline")
    disk = thief_of(machine, tmp_path / "disk")
    backup = thief_of(machine, tmp_path / "backup")
    shutil.rmtree(tmp_path / "backup/.state", ignore_errors=True)
    for thief, who in ((disk, "disk-image"), (backup, "backup")):
        done = thief.publish(name, code=None)
        assert (done.returncode == 0) == (reader(checks, who) == "yes"), (who, done.stderr)
        assert (verdict(checks, f"reader.{who}") == "ok") == (done.returncode != 0)
    expected = {"plain": ("yes", "yes", "yes"), "sealed": ("yes", "yes", "no"),
                "sealed-tpm": ("yes", "no", "no"), "tpm": ("no", "no", "no")}[kind]
    assert tuple(reader(checks, who) for who in ("root", "disk-image", "backup")) == expected


def test_a_token_is_asked_for_the_key_and_refuses(house, tmp_path, token):
    machine = Machine(tmp_path / "m", token)
    enrol(house, machine, "hsm", token.uri("hsm"))
    checks = doctor(machine, "hsm", "--offline")
    assert "refuses (code 0x11)" in checks["reader.backup"]["evidence"]
    # SoftHSM is honest about what it is, and so is the doctor about it.
    assert reader(checks, "root") == "unknown"
    assert "does not say that it is hardware" in checks["reader.root"]["evidence"]
    assert reader(checks, "core-dump") == "no"
    read = machine.run("pkcs11-tool", "--module", "/usr/lib/softhsm/libsofthsm2.so", "--login",
                       "--pin", "123456", "--read-object", "--type", "privkey", "--label", "hsm",
                       "--output-file", tmp_path / "out", code=None)
    out = tmp_path / "out"
    assert read.returncode != 0 or not out.exists() or not out.read_bytes()


def test_a_tpm_is_asked_to_let_the_key_go_and_refuses(house, tmp_path, tpm):
    machine = Machine(tmp_path / "m", tpm)
    for name, store in (("in-blob", "tpm"), ("at-handle", "tpm:0x81000042")):
        enrol(house, machine, name, store)
        checks = doctor(machine, name, "--offline")
        for who in ("root", "disk-image", "backup"):
            assert "fixedTPM and fixedParent" in checks[f"reader.{who}"]["evidence"]
            assert "the TPM refuses (code 0x" in checks[f"reader.{who}"]["evidence"]
        assert not any(verdict(checks, one) != "ok" for one in checks if one.startswith("reader."))
    machine.run("tpm2_flushcontext", "-t", code=None)
    done = machine.run("tpm2_duplicate", "-C", "null", "-c", "0x81000042", "-G", "null", "-r",
                       tmp_path / "out.private", "-s", tmp_path / "out.seed", code=None)
    assert done.returncode != 0 and not (tmp_path / "out.private").exists()


def test_a_crash_leaves_no_core_with_a_key(house, tmp_path):
    """It says of itself that it leaves none: so it is, for who watches from outside."""
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "crashes", "file")
    assert "left none" in doctor(machine, "crashes", "--offline")["reader.core-dump"]["evidence"]
    process = subprocess.Popen(  # pylint: disable=consider-using-with
        [TACIT, "sub", "--as", "crashes", "-d", "meters/crashes"], env=machine.environment,
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        cwd=tmp_path)
    try:
        assert "connected" in process.stderr.readline()
        process.send_signal(6)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = -6
        assert os.WIFSIGNALED(status) and not os.WCOREDUMP(status)
    finally:
        process.stderr.close()


# ---- what is wrong is said, with what to do ----


def test_others_that_can_read_or_replace_the_key(house, tmp_path):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "loose", "file")
    path = pathlib.Path(machine.key("loose"))
    path.chmod(0o640)
    checks = doctor(machine, "loose", "--offline")
    assert {"file.mode", "reader.users", "key.signs"} <= failing(checks)
    path.chmod(0o600)
    path.parent.chmod(0o777)
    checks = doctor(machine, "loose", "--offline")
    assert verdict(checks, "file.folders") == "fail"
    assert str(path.parent) in checks["file.folders"]["evidence"]


def test_a_copy_in_clear_beside_a_sealed_key(house, tmp_path):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "twice", "file")
    path = pathlib.Path(machine.key("twice"))
    shutil.copy(path, path.with_suffix(".bak"))
    machine.tacit("keys", "migrate", "--as", "twice", "--to", "sealed")
    checks = doctor(machine, "twice", "--offline")
    assert failing(checks) == {"file.copies"} and "twice.bak" in checks["file.copies"]["evidence"]


def test_a_ratchet_that_turns_that_is_missing_and_that_is_broken(house, tmp_path):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "turns", "file")
    path = pathlib.Path(machine.key("turns")).with_suffix(".ratchet")
    for _ in range(2):
        machine.publish("turns")
    checks = doctor(machine, "turns", "--offline")
    assert verdict(checks, "ratchet") == "ok" and "turned 2 times" in checks["ratchet"]["evidence"]
    state = path.read_bytes()
    path.write_bytes(state[:-1])
    machine.publish("turns", code=2)
    checks = doctor(machine, "turns", "--offline")
    assert failing(checks) == {"ratchet"} and "no ratchet" in checks["ratchet"]["evidence"]
    path.unlink()
    assert verdict(doctor(machine, "turns", "--offline"), "ratchet") == "warn"
    path.write_bytes(state)
    path.chmod(0o644)
    checks = doctor(machine, "turns", "--offline")
    assert failing(checks) == {"ratchet"} and "others" in checks["ratchet"]["evidence"]
    path.chmod(0o600)
    machine.publish("turns")


def test_a_machine_that_is_another_one(house, tmp_path):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "else", "sealed")
    secret = tmp_path / "m/.state/tacit-device/machine-secret"
    secret.write_bytes(b"x" * 32)
    assert failing(doctor(machine, "else", "--offline")) == {"key.signs"}
    secret.chmod(0o644)
    assert {"key.signs", "file.secret"} <= failing(doctor(machine, "else", "--offline"))


def test_a_better_place_is_pointed_at(house, tmp_path, tpm):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "could", "sealed")
    assert verdict(doctor(machine, "could", "--offline"), "key.level") == "ok"
    machine.environment |= tpm.environment()
    level = doctor(machine, "could", "--offline")["key.level"]
    assert level["verdict"] == "warn" and "migrate" in level["advice"]


def test_a_certificate_of_another_key_or_none(house, tmp_path):
    machine = Machine(tmp_path / "m")
    for name in ("one", "two"):
        enrol(house, machine, name, "sealed")
    one, two = (pathlib.Path(machine.key(name)).with_suffix(".crt") for name in ("one", "two"))
    shutil.copy(two, one)
    assert "certificate.key" in failing(doctor(machine, "one", "--offline"))
    one.unlink()
    assert "certificate.key" in failing(doctor(machine, "one", "--offline"))


def sign_itself(machine, name, starts, ends):
    """Puts a certificate of that life into the place of the device's."""
    folder = machine.folder / "life"
    folder.mkdir(exist_ok=True)
    (folder / "index").write_text("")
    (folder / "conf").write_text(
        f"[ca]\ndefault_ca = d\n[d]\nnew_certs_dir = {folder}\ndatabase = {folder}/index\n"
        "rand_serial = yes\ndefault_md = sha256\npolicy = p\nunique_subject = no\n"
        "[p]\ncommonName = supplied\n[req]\ndistinguished_name = n\n[n]\n")
    key = machine.key(name)
    machine.run("openssl", "req", "-new", "-key", key, "-subj", f"/CN={name}", "-config",
                folder / "conf", "-out", folder / "csr")
    machine.run("openssl", "ca", "-batch", "-selfsign", "-config", folder / "conf", "-keyfile", key,
                "-in", folder / "csr", "-startdate", starts, "-enddate", ends, "-notext", "-out",
                pathlib.Path(key).with_suffix(".crt"))


def test_the_life_of_a_certificate_and_the_clock(house, tmp_path):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "life", "file")
    sign_itself(machine, "life", "20400101000000Z", "20410101000000Z")
    assert failing(doctor(machine, "life", "--offline")) == {"clock.certificate"}
    sign_itself(machine, "life", "20200101000000Z", "20210101000000Z")
    assert failing(doctor(machine, "life", "--offline")) == {"certificate.life"}
    sign_itself(machine, "life", "19700101000000Z", "20400101000000Z")
    checks = doctor(machine, "life", "--offline")
    assert failing(checks) == set() and verdict(checks, "certificate.life") == "warn"
    assert verdict(checks, "certificate.authority") == "warn"


def test_who_was_added_at_the_broker_itself(house):
    """Its profile trusts the root, and has not the issuing CA between them."""
    house.add("local", "any")
    done = house.tacit("doctor", "--as", "local", "--json", code=None)
    checks = {one["id"]: one for one in json.loads(done.stdout)["checks"]}
    assert "is the root of its trust domain" in checks["certificate.authority"]["evidence"]
    assert {verdict(checks, one) for one in ("certificate.authority", "server.broker")} == {"ok"}


# ---- servers ----


def test_nobody_there(house, tmp_path):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "lonely", "sealed")
    path = machine.folder / ".config/tacit/profiles/lonely.json"
    profile = json.loads(path.read_text())
    path.write_text(json.dumps(profile | {"port": 1, "enrolment": "localhost:1"}))
    checks = doctor(machine, "lonely")
    assert failing(checks) == {"server.broker"} and "server.tls" not in checks
    assert verdict(checks, "server.enrolment") == "warn"


def test_another_broker_than_the_one_that_was_meant(house, tmp_path):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "misled", "sealed")
    path = machine.folder / ".config/tacit/profiles/misled.json"
    profile = json.loads(path.read_text())
    with House(config=ROLES) as other:
        path.write_text(json.dumps(profile | {"port": other.broker.port}))
        checks = doctor(machine, "misled")
    assert failing(checks) == {"server.broker"}
    assert "certificate" in checks["server.broker"]["evidence"]


def test_a_device_that_is_not_wanted(house, tmp_path):
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "banned", "sealed")
    with house.changing():
        house.tacit("revoke", "banned", "--reason", "superseded", "--state", house.state)
    checks = doctor(machine, "banned")
    assert "server.broker" in failing(checks)


def test_a_role_that_asks_for_more(house, tmp_path):
    text = ROLES.replace("  publish", "  require-key = tpm\n  publish")
    with House(config=text) as strict:
        machine = Machine(tmp_path / "m")
        enrol(strict, machine, "short", "sealed")
        broker = doctor(machine, "short")["server.broker"]
        assert broker["verdict"] == "fail" and "asks for a key in a TPM" in broker["evidence"]


def test_it_looks_without_touching(house, tmp_path):
    """The device itself stays connected, and nothing is changed but its ratchet, which every
    connect turns."""
    machine = Machine(tmp_path / "m")
    enrol(house, machine, "calm", "sealed")

    def state():
        return {one: (one.stat().st_mtime_ns, one.read_bytes())
                for one in machine.folder.rglob("*")
                if one.is_file() and ".ratchet" not in one.name}

    process = subprocess.Popen(  # pylint: disable=consider-using-with
        [TACIT, "sub", "--as", "calm", "-i", "calm", "-C", "1", "-d", "meters/calm"],
        env=machine.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)
    assert "connected" in process.stderr.readline()
    before = state()
    doctor(machine, "calm")
    assert state() == before and process.poll() is None
    process.terminate()
    _, told = process.communicate(timeout=patience(20))
    assert told.count("connection down") == told.count("connection down: stopped"), told


@pytest.mark.parametrize("words, why", [
    (("--as", "nobody"), "no good profile"), (("now",), "one word too many"),
    (("--dir", "x"), "unknown option"), ((), "Say --as")])
def test_what_cannot_be_asked(tmp_path, words, why):
    assert why in Machine(tmp_path / "m").tacit("doctor", *words, code=USAGE).stderr

# SPDX-License-Identifier: Apache-2.0
"""The broker's own authority in its life: two tiers, renewal, sealed keys, and a server certificate
that is never the reason why somebody is dropped."""

import datetime
import hashlib
import json
import os
import pty
import shutil
import socket
import ssl
import subprocess
import time

import pytest

from support.broker import FOREIGN, TACIT
from support.client import Closed
from support.marks import seen_elsewhere
from support.patience import patience
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

SECRET = "correct horse battery staple"
OID = "2.25.121877183391499542403315008910709922792"
CA_CONF = """
[ca]
default_ca = one
[one]
dir = {folder}
database = {folder}/index.txt
new_certs_dir = {folder}
rand_serial = yes
default_md = sha256
policy = any
[any]
commonName = supplied
"""


@pytest.fixture
def house():
    with House() as one:
        yield one


def openssl(*words):
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True,
                          text=True).stdout


def served(house):
    """SHA-256 of the certificate that the broker shows now."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((house.broker.host, house.broker.port), patience(5.0)) as plain:
        with context.wrap_socket(plain) as tls:
            return hashlib.sha256(tls.getpeercert(binary_form=True)).hexdigest()


def until(condition, seconds=5.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.05)
    assert condition()


def shown(house):
    return json.loads(house.tacit("ca", "show", "--json", "--state", house.state).stdout)


def sign(house, key, issuer, extensions, hours, target):
    """A certificate for that key by `issuer` (root or ca), valid between those hours from now."""
    folder = house.home / "old"
    folder.mkdir(exist_ok=True)
    config, request, extra = folder / "ca.conf", folder / "request.csr", folder / "ext"
    config.write_text(CA_CONF.format(folder=folder))
    (folder / "index.txt").write_text("")
    extra.write_text(extensions)
    openssl("req", "-new", "-key", key, "-subj", f"/CN={target.stem}", "-out", request)
    now = datetime.datetime.now(datetime.timezone.utc)
    begin, end = ((now + datetime.timedelta(hours=h)).strftime("%Y%m%d%H%M%SZ") for h in hours)
    made = folder / "made.crt"
    openssl("ca", "-batch", "-config", config, "-cert", house.state / f"ca/{issuer}.crt",
            "-keyfile", house.state / f"ca/{issuer}.key", "-in", request, "-startdate", begin,
            "-enddate", end, "-extfile", extra, "-notext", "-out", made)
    made.chmod(0o600)
    made.rename(target)


def place_old_certificate(house):
    """A server certificate of ours that ends in an hour and has had its days."""
    sign(house, house.state / "server/server.key", "ca", "extendedKeyUsage=serverAuth\n"
         "subjectAltName=DNS:localhost,IP:127.0.0.1,DNS:kept.example\n", (-48, 1),
         house.state / "server/server.crt")


def test_two_tiers(house):
    server = house.state / "server/server.crt"
    openssl("verify", "-x509_strict", "-CAfile", house.authority(), "-untrusted", house.issuing(),
            "-purpose", "sslserver", server)
    assert server.read_text().count("BEGIN CERTIFICATE") == 2
    house.add("lamp", "device")
    profile = house.profile("lamp")
    assert openssl("x509", "-in", profile["ca_file"]) == openssl("x509", "-in", house.authority())
    text = openssl("x509", "-in", profile["certificate_file"], "-noout", "-text")
    assert OID in text or "2.25." in text
    device = json.loads(house.tacit("device", "show", "lamp", "--json", "--state",
                                    house.state).stdout)
    assert device["extension"] == {"role": "device", "tenant": "", "site": "",
                                   "protection": "plain", "attested": False}
    keys = shown(house)["keys"]
    assert keys == {"root": "plain", "issuing": "plain"}


def test_the_next_authority_drops_nobody(house):
    house.add("early", "device")
    early = house.connect("early").open("early")
    early.subscribe("devices/early/set")
    before = shown(house)["ca"]["serial"]
    house.tacit("ca", "renew", "--state", house.state)
    picture = shown(house)
    assert picture["ca"]["serial"] != before
    assert [c["serial"] for c in picture["issuing"]] == [picture["ca"]["serial"], before]
    house.add("late", "device")

    def comes_in():
        try:
            house.connect("late").open("late").leave()
            return True
        except (Closed, OSError):
            return False
    until(comes_in)
    house.connect("early").open("early-2").leave()
    early.publish("devices/early/state", b"still here", qos=1)
    early.leave()


def test_the_server_certificate_changes_under_way(house):
    """By the tool, and by itself when it is time; no signal, and nobody is dropped."""
    house.add("lamp", "device")
    lamp = house.connect("lamp").open("lamp")
    first = served(house)
    house.tacit("ca", "server", "--name", "kept.example", "--state", house.state)
    until(lambda: served(house) != first)
    place_old_certificate(house)
    until(lambda: "the server certificate was renewed" in house.broker.log())
    end = json.loads(house.tacit("ca", "show", "--json", "--state", house.state).stdout)["server"]
    until(lambda: served(house) == end["sha256"])
    assert "DNS:kept.example" in end["names"]
    lamp.publish("devices/lamp/state", b"still here", qos=1)
    lamp.leave()


def test_an_old_certificate_is_renewed_at_the_start(house):
    house.broker.stop()
    place_old_certificate(house)
    house.broker.start()
    assert "the server certificate was renewed" in house.broker.log()
    assert shown(house)["server"]["not_after"] > shown(house)["server"]["not_before"]
    house.connect("admin").open("admin").leave()


def test_without_the_key_of_the_root(house):
    (house.state / "ca/root.key").unlink()
    house.broker.restart()
    house.add("lamp", "device")
    house.connect("lamp").open("lamp").leave()
    done = house.tacit("ca", "renew", "--state", house.state, code=1)
    assert "root.key is kept elsewhere" in done.stderr
    assert shown(house)["keys"] == {"root": "elsewhere", "issuing": "plain"}


def at_terminal(house, words, answers):
    """Runs the tool with a terminal of its own; exit code and all that was to be seen there."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(str(TACIT), [str(TACIT), *map(str, words)], house.environment)
    seen = b""
    for prompt, answer in answers:
        while prompt not in seen:
            seen += os.read(fd, 4096)
        os.write(fd, answer.encode() + b"\n")
    try:
        while True:
            piece = os.read(fd, 4096)
            if not piece:
                break
            seen += piece
    except OSError:
        pass
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()


def test_sealed_at_the_terminal(house):
    seal = ("ca", "seal", "--state", house.state)
    code, seen = at_terminal(house, seal, [(b"New passphrase", SECRET), (b"again", "other")])
    assert code == 1 and "differ" in seen
    assert shown(house)["keys"]["issuing"] == "plain"
    code, seen = at_terminal(house, seal, [(b"New passphrase", SECRET), (b"again", SECRET)])
    assert code == 0 and SECRET not in seen, seen
    for name in ("ca.key", "root.key"):
        assert "BEGIN ENCRYPTED PRIVATE KEY" in (house.state / "ca" / name).read_text()
    parts = openssl("asn1parse", "-in", house.state / "ca/ca.key")
    assert "PBKDF2" in parts and "hmacWithSHA256" in parts and "aes-256-cbc" in parts
    code, seen = at_terminal(house, ("device", "add", "lamp", "--role", "device", "--state",
                                     house.state), [(b"Passphrase of", SECRET)])
    assert code == 0 and SECRET not in seen, seen
    code, seen = at_terminal(house, ("device", "add", "more", "--role", "device", "--state",
                                     house.state), [(b"Passphrase of", "wrong")])
    assert code == 1 and "does not open it" in seen
    code, seen = at_terminal(house, ("ca", "unseal", "--state", house.state),
                             [(b"Passphrase of", SECRET)])
    assert code == 0 and shown(house)["keys"] == {"root": "plain", "issuing": "plain"}


@pytest.mark.parametrize("where", ["credential",
                                   pytest.param("configuration", marks=seen_elsewhere)])
def test_a_sealed_authority_and_its_broker(house, where, monkeypatch):
    """Without the passphrase it serves and signs nothing; with it, all is as ever."""
    credentials = house.home / "credentials"
    credentials.mkdir()
    phrase = credentials / "ca-passphrase"
    phrase.write_text(SECRET + "\n")
    phrase.chmod(0o600)
    house.broker.stop()
    place_old_certificate(house)
    house.tacit("ca", "seal", "--passphrase-file", phrase, "--state", house.state)
    house.broker.start()
    house.connect("admin").open("admin").leave()
    assert "enrolment and renewal are off" in house.broker.log()
    assert "is to be renewed and cannot be" in house.broker.log()

    if where == "credential":
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    else:
        target = house.state / "phrase"
        shutil.copy(phrase, target)
        (house.state / "tacit.conf").write_text('ca { passphrase-file = "phrase" }\n')
        house.add("lamp", "device")
    house.broker.restart()
    assert "the server certificate was renewed" in house.broker.log()
    house.connect("admin").open("admin").leave()


def test_a_passphrase_that_others_can_read(house):
    phrase = house.home / "phrase"
    phrase.write_text(SECRET)
    phrase.chmod(0o644)
    done = house.tacit("ca", "seal", "--passphrase-file", phrase, "--state", house.state, code=1)
    assert "chmod 600" in done.stderr


def test_an_authority_at_the_end_of_its_life(house):
    """It is said in time; the renewal ends it."""
    domain = shown(house)["trust_domain"]
    house.broker.stop()
    sign(house, house.state / "ca/ca.key", "root",
         "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"
         f"subjectAltName=URI:spiffe://{domain}\n", (-24, 24 * 30), house.state / "ca/ca.crt")
    house.broker.start()
    assert "say `tacit ca renew`" in house.broker.log()
    house.tacit("ca", "renew", "--state", house.state)
    house.broker.stop()
    said = house.broker.log().count("say `tacit ca renew`")
    house.broker.start()
    assert house.broker.log().count("say `tacit ca renew`") == said
    house.connect("admin").open("admin").leave()


def test_export(house):
    root = house.tacit("ca", "export", "--state", house.state).stdout
    assert root == house.authority().read_text()
    chain = house.tacit("ca", "export", "--chain", "--state", house.state).stdout
    assert chain == house.issuing().read_text() + house.authority().read_text()


def test_everything_of_ed25519():
    one = House()
    try:
        one.tacit("up", "--algorithm", "ed25519", "--state", one.state)
        with one:
            assert shown(one)["ca"]["algorithm"] == "ed25519"
            one.tacit("device", "add", "lamp", "--role", "device", "--algorithm", "ed25519",
                      "--state", one.state, "--port", one.broker.port)
            files = one.files("lamp")
            assert "ED25519" in openssl("pkey", "-in", files[2], "-noout", "-text")
            one.connect("lamp").open("lamp").leave()
            one.tacit("pub", "--as", "lamp", "-t", "devices/lamp/state", "-m", "on", "-q", "1")
    finally:
        one.folder.cleanup()

# SPDX-License-Identifier: Apache-2.0
"""I7: a TPM proves that it has a device's key, to a broker that believes in that TPM, and to no other;
a policy may ask for it. docs/attestation.md is what goes over the wire."""

import base64
import http.client
import json
import re
import ssl
import struct
import subprocess
import time

import pytest

from support.broker import FOREIGN, TACIT
from support.device import Machine
from support.hardware import Maker, Tpm
from support.patience import WITHIN_S, patience
from support.ports import free_port
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

GRANT = 'publish = { "meters/%{device}" }'
ROLES = f"""
role "any" {{
  {GRANT}
}}
role "proved" {{
  require-key = attested-tpm
  {GRANT}
}}
"""
REFUSED = "a key that a TPM has proved to have"


class Works(House):
    """A broker that believes in one manufacturer of TPMs."""

    def __init__(self, maker):
        self.port, self.names = free_port(), (f"meter-{i}" for i in range(1000))
        super().__init__(config=ROLES + f'enrolment {{\n  address = "127.0.0.1"\n'
                         f'  port = {self.port}\n  attestation-roots = "{maker.roots}"\n}}\n')

    def offer(self, *words):
        return json.loads(self.tacit(*words, "--json", "--state", self.state, "--config",
                                     self.broker.config_file, "--port", self.broker.port).stdout)

    def enrol(self, machine, role, *more, store="tpm"):
        """A new device; its name, and what `tacit enroll` said of it on standard error."""
        name = next(self.names)
        offer = self.offer("device", "add", name, "--role", role, "--token-only", *more)
        return name, machine.tacit(*offer["command"].split()[1:], "--key-store", store).stderr

    def recorded(self, kind, name):
        """The audit log's records, as soon as there is one."""
        deadline = time.monotonic() + WITHIN_S
        while True:
            lines = self.tacit("log", "show", "--kind", kind, "--device", name, "--json", "--state",
                               self.state, code=None).stdout
            if lines or time.monotonic() > deadline:
                return lines
            time.sleep(0.02)

    def show(self, name):
        return json.loads(self.tacit("device", "show", name, "--json", "--state",
                                     self.state).stdout)


@pytest.fixture(scope="module", name="maker")
def make_maker(tmp_path_factory):
    maker = Maker(tmp_path_factory.mktemp("maker") / "m")
    maker.make(tmp_path_factory.mktemp("first"))  # makes the CA, too
    return maker


@pytest.fixture(scope="module", name="house")
def make_house(maker):
    with Works(maker) as one:
        yield one


@pytest.fixture(name="machine")
def make_machine(tmp_path, tpm):
    return Machine(tmp_path / "m", tpm)


def endorsement(machine):
    return json.loads(machine.tacit("keys", "tpm", "--json").stdout)


def listed(machine, name):
    """The tool does not like keys of which the broker is not here to be asked: exit code 3."""
    keys = json.loads(machine.tacit("keys", "list", "--json", code=None).stdout)["keys"]
    return next(one for one in keys if one["name"] == name)


# -- who vouches for the TPM ------------------------------------------------------------------------

def test_the_operator_names_the_tpm(house, machine):
    facts = endorsement(machine)
    assert facts["algorithm"] == "EC P-256" and not facts["has_certificate"]
    name, said = house.enrol(machine, "proved", "--ek", facts["endorsement_sha256"])
    assert "not attested" not in said
    shown = house.show(name)
    assert shown["attested"] is True and shown["protection"] == "tpm"
    assert shown["attestation"]["by"] == "ek-list"
    assert shown["attestation"]["endorsement_sha256"] == facts["endorsement_sha256"]
    assert shown["expected_endorsement_sha256"] == facts["endorsement_sha256"]
    machine.publish(name)
    house.wait(f"the key of {name} is attested by its TPM", 1, WITHIN_S)
    assert listed(machine, name)["attested"] is True
    assert "tpm (attested)" in machine.tacit("doctor", "--as", name, code=None).stdout
    text = house.tacit("device", "show", name, "--state", house.state).stdout
    assert "protection tpm (attested)" in text and "(ek-list)" in text
    assert f'"device":"{name}"' in house.recorded("attested", name)


def test_the_manufacturer_certifies_it(house, maker, tmp_path):
    one = Tpm(tmp_path / "tpm", maker)
    try:
        machine = Machine(tmp_path / "m", one)
        facts = endorsement(machine)
        assert facts["algorithm"] == "RSA 2048" and facts["has_certificate"]
        name, said = house.enrol(machine, "proved")
        assert "not attested" not in said
        assert house.show(name)["attestation"]["by"] == "ek-certificate"
        machine.publish(name)
    finally:
        one.close()


def test_a_manufacturer_that_nobody_believes_in(house, tmp_path):
    one = Tpm(tmp_path / "tpm", Maker(tmp_path / "other"))
    try:
        machine = Machine(tmp_path / "m", one)
        assert endorsement(machine)["has_certificate"]
        name, said = house.enrol(machine, "proved")
        assert "declared, not attested: nobody vouches" in said
        assert house.show(name)["attested"] is False
        assert REFUSED in machine.publish(name, code=None).stderr
    finally:
        one.close()


def test_roots_are_read_again(tmp_path):
    """A manufacturer that the operator comes to believe in, and SIGHUP."""
    first, other = Maker(tmp_path / "first"), Maker(tmp_path / "other")
    first.make(tmp_path / "nobody's")
    one = Tpm(tmp_path / "tpm", other)
    try:
        with Works(first) as house:
            machine = Machine(tmp_path / "m", one)
            name, said = house.enrol(machine, "proved")
            assert "nobody vouches" in said
            begun = len(house.lines("enrolment on"))
            with open(first.roots, "a", encoding="ascii") as roots:
                roots.write(other.roots.read_text())
            house.broker.reload()
            house.wait("enrolment on", begun + 1, WITHIN_S * 5)
            said = machine.tacit("enroll", "--renew", "--force", "--as", name).stderr
            assert "not attested" not in said
            machine.publish(name)
    finally:
        one.close()


def test_software_that_is_a_tpm_without_a_certificate(house, machine):
    name, said = house.enrol(machine, "proved")
    assert "declared, not attested: nobody vouches" in said
    shown = house.show(name)
    assert shown["protection"] == "tpm" and shown["attested"] is False
    assert shown["attestation"] is None
    assert REFUSED in machine.publish(name, code=None).stderr
    assert listed(machine, name)["attested"] is False
    house.wait(f"the key of {name} is not attested by its TPM.*nobody vouches", 1, WITHIN_S)
    assert "nobody vouches" in house.recorded("attestation-refused", name)
    told = json.loads(house.tacit("policy", "explain", "--device", name, "--publish",
                                  f"meters/{name}", "--json", "--state", house.state, "--config",
                                  house.broker.config_file, code=3).stdout)
    assert REFUSED in told["barred"]
    assert told["subject"]["require_key"] == "attested-tpm"
    assert told["subject"]["attested"] is False


def test_another_tpm_than_the_one_that_was_named(house, maker, tmp_path):
    """Also one that is certified: who names one wants that one."""
    one = Tpm(tmp_path / "tpm", maker)
    try:
        machine = Machine(tmp_path / "m", one)
        name, said = house.enrol(machine, "proved", "--ek", "ab" * 32)
        assert "another one than the operator named" in said
        assert house.show(name)["attested"] is False
        # The operator sees the mistake, and names the right one.
        offer = house.offer("device", "token", name, "--ek",
                            endorsement(machine)["endorsement_sha256"])
        machine.tacit(*offer["command"].split()[1:], "--key-store", "tpm")
        assert house.show(name)["attestation"]["by"] == "ek-list"
        machine.publish(name)
    finally:
        one.close()


def test_a_key_that_is_in_no_tpm_is_not_asked_about(house, machine):
    name, said = house.enrol(machine, "any", store="sealed")
    assert "attested" not in said
    assert house.show(name)["attested"] is False
    machine.publish(name)


def test_a_word_that_names_no_tpm(house):
    done = house.tacit("device", "add", "wrong", "--role", "any", "--token-only", "--ek", "12",
                       "--state", house.state, code=None)
    assert done.returncode != 0 and "64 digits of hex" in done.stderr


# -- how long it lasts ------------------------------------------------------------------------------

def test_it_lasts_as_long_as_the_key(house, machine):
    name, _ = house.enrol(machine, "proved", "--ek", endorsement(machine)["endorsement_sha256"],
                          store="tpm:0x81000050")
    since = house.show(name)["attestation"]
    # The same key, another certificate.
    machine.tacit("enroll", "--renew", "--force", "--as", name)
    assert house.show(name)["attestation"] == since
    # Another key in the TPM is attested anew; nobody names the TPM again.
    said = machine.tacit("enroll", "--renew", "--force", "--new-key", "--as", name).stderr
    assert "not attested" not in said
    machine.publish(name)
    assert house.show(name)["attested"] is True
    # One elsewhere is not.
    with house.changing():
        machine.tacit("enroll", "--renew", "--force", "--new-key", "--key-store", "sealed", "--as",
                      name)
    shown = house.show(name)
    assert shown["attested"] is False and shown["protection"] == "sealed"
    assert REFUSED in machine.publish(name, code=None).stderr


def test_a_key_that_was_there_before_is_attested_later(house, machine):
    """The broker learns of the TPM after the device has enrolled."""
    name, said = house.enrol(machine, "proved")
    assert "not attested" in said
    house.sql("INSERT INTO endorsement VALUES (?, ?, 1)", name,
              endorsement(machine)["endorsement_sha256"])
    with house.changing():
        machine.tacit("enroll", "--renew", "--force", "--as", name)
    assert house.show(name)["attestation"]["by"] == "ek-list"
    machine.publish(name)


# -- who lies ---------------------------------------------------------------------------------------

FIXED = 0x32  # fixedTPM, fixedParent, sensitiveDataOrigin


def binary(*parts):
    return b"".join(struct.pack(">H", len(part)) + part for part in parts)


def area_of(point, attributes):
    """TPMT_PUBLIC of a key of P-256 that signs."""
    return struct.pack(">HHIHHHHHH", 0x23, 0xb, attributes, 0, 0x10, 0x18, 0xb, 3, 0x10) + binary(
        point[:32], point[32:])


class Liar:
    """Has a key in a file, a certificate of it, and a TPM that the broker believes in: wants the key to
    be taken for one in the TPM. Its TPM is asked by tpm2-tools, so these are others than ours."""

    def __init__(self, house, machine, folder):
        folder.mkdir()
        self.house, self.machine, self.folder = house, machine, folder
        self.name, _ = house.enrol(machine, "any", "--ek",
                                   endorsement(machine)["endorsement_sha256"], store="file")
        profile = json.loads((machine.folder / ".config/tacit/profiles" /
                              f"{self.name}.json").read_text())
        self.context = ssl.create_default_context(cafile=profile["ca_file"])
        self.context.load_cert_chain(profile["certificate_file"], profile["key_file"])
        self.key_file = profile["key_file"]
        self.point = subprocess.run(["openssl", "pkey", "-in", self.key_file, "-pubout", "-outform",
                                     "DER"], capture_output=True, check=True,
                                    timeout=patience(20)).stdout[-64:]
        self.tool("createek", "-G", "ecc", "-c", "ek", "-u", "ek.pub")
        self.tool("createak", "-C", "ek", "-c", "ak", "-G", "ecc", "-g", "sha256", "-s", "ecdsa",
                  "-u", "ak.pub", "-f", "tss")
        self.flush()
        self.endorsement, self.witness = self.area("ek.pub"), self.area("ak.pub")

    def tool(self, name, *words):
        return self.machine.run("sh", "-c", 'cd "$0" && exec "$@"', self.folder, f"tpm2_{name}",
                                "-Q", *words)

    def flush(self):
        for what in ("-t", "-l"):
            self.tool("flushcontext", what)

    def area(self, file):
        return (self.folder / file).read_bytes()[2:]

    def post(self, step, message):
        link = http.client.HTTPSConnection("localhost", self.house.port, context=self.context,
                                           timeout=patience(20))
        link.request("POST", f"/attestation/{step}", base64.encodebytes(message),
                     {"Content-Type": "application/octet-stream"})
        reply = link.getresponse()
        status, body = reply.status, reply.read()
        link.close()
        return status, body

    def claim(self, witness=None, attributes=FIXED | 0x40000):
        message = b"\1" + binary(self.endorsement, b"", witness or self.witness,
                                 area_of(self.point, attributes))
        status, body = self.post("claim", message)
        return status, base64.b64decode(body) if status == 200 else body.decode()

    def activate(self, challenge):
        """What the credential of a challenge hides, by TPM2_ActivateCredential."""
        assert challenge[:1] == b"\2"
        blob, wrapped, nonce = parts(challenge[1:])
        (self.folder / "credential").write_bytes(
            struct.pack(">II", 0xbadcc0de, 1) + binary(blob, wrapped))
        self.tool("startauthsession", "--policy-session", "-S", "session")
        self.tool("policysecret", "-S", "session", "-c", "e")
        self.tool("activatecredential", "-c", "ak", "-C", "ek", "-i", "credential", "-o", "secret",
                  "-P", "session:session")
        self.flush()
        return (self.folder / "secret").read_bytes(), nonce

    def answer(self, secret, statement, signature):
        status, body = self.post("answer", b"\3" + binary(secret, statement, signature))
        assert self.house.show(self.name)["attested"] is False
        return status, body.decode()


def parts(message):
    while message:
        length, = struct.unpack(">H", message[:2])
        yield message[2:2 + length]
        message = message[2 + length:]


@pytest.fixture(name="liar")
def make_liar(house, machine, tmp_path):
    return Liar(house, machine, tmp_path / "liar")


def certify(liar):
    """What the TPM says truly of a key that it has, to nobody in particular."""
    liar.tool("createprimary", "-C", "o", "-G", "ecc", "-c", "primary")
    liar.flush()
    liar.tool("create", "-C", "primary", "-G", "ecc256:ecdsa-sha256", "-u", "key.pub", "-r",
              "key.priv", "-c", "key")
    liar.flush()
    liar.tool("certify", "-c", "key", "-C", "ak", "-g", "sha256", "-o", "statement", "-s",
              "signature", "-f", "tss")
    liar.flush()
    return (liar.folder / "statement").read_bytes(), (liar.folder / "signature").read_bytes()


def forge(liar, nonce, signer):
    """A statement as the TPM would make it about the key in the file, signed with that very key."""
    name = b"\0\x0b" + bytes.fromhex(subprocess.run(
        ["openssl", "dgst", "-sha256", "-r"], input=area_of(liar.point, FIXED | 0x40000),
        capture_output=True, check=True, timeout=patience(20)).stdout[:64].decode())
    statement = (b"\xffTCG\x80\x17" + binary(name, nonce) + bytes(17 + 8) + binary(name, name))
    der = subprocess.run(["openssl", "dgst", "-sha256", "-sign", signer], input=statement,
                         capture_output=True, check=True, timeout=patience(20)).stdout
    first = der[4:4 + der[3]]
    second = der[6 + der[3]:]
    pair = [number.lstrip(b"\0").rjust(32, b"\0") for number in (first, second)]
    return statement, struct.pack(">HH", 0x18, 0xb) + binary(*pair)


def test_a_key_in_a_file_is_not_taken_for_one_in_the_tpm(liar):
    truth = certify(liar)
    # The statement of another time, about another key.
    status, challenge = liar.claim()
    assert status == 200
    secret, nonce = liar.activate(challenge)
    status, why = liar.answer(secret, *truth)
    assert status == 403 and "answers another challenge" in why
    # It was good once: what was activated is worth nothing any more.
    status, why = liar.answer(secret, *truth)
    assert status == 403 and "no challenge waits" in why
    # A statement that says what is wanted, by who is no witness.
    status, challenge = liar.claim()
    secret, nonce = liar.activate(challenge)
    status, why = liar.answer(secret, *forge(liar, nonce, liar.key_file))
    assert status == 403 and "not signed by the attestation key" in why
    # Without the TPM that was asked.
    status, challenge = liar.claim()
    status, why = liar.answer(bytes(32), *truth)
    assert status == 403 and "was not opened" in why
    liar.house.wait(f"the key of {liar.name} is not attested by its TPM", 4, WITHIN_S)


def test_keys_that_are_not_what_they_should_be(liar):
    # An attestation key that signs whatever it is given: that of the file itself, for example.
    status, why = liar.claim(witness=area_of(liar.point, FIXED | 0x40000))
    assert status == 403 and "not restricted" in why
    for missing in (0x2, 0x10, 0x20):
        status, why = liar.claim(attributes=FIXED & ~missing | 0x40000)
        assert status == 403 and "can leave it" in why
    kept, liar.endorsement = liar.endorsement, liar.witness
    status, why = liar.claim()
    assert status == 403 and "endorsement key is none" in why
    liar.endorsement = kept
    liar.point = bytes(64)
    status, why = liar.claim()
    assert status == 403 and "not the one of the certificate" in why


def test_a_witness_that_the_tpm_does_not_have(liar):
    """The credential is for an object of that name, and the TPM has another: it does not open."""
    other = bytearray(liar.witness)
    other[-1] ^= 1
    status, challenge = liar.claim(witness=bytes(other))
    assert status == 200
    with pytest.raises(AssertionError, match="integrity"):
        liar.activate(challenge)


def test_messages_that_are_none(liar):
    good = b"\1" + binary(liar.endorsement, b"", liar.witness,
                          area_of(liar.point, FIXED | 0x40000))
    for bad in (b"", b"\1", b"\2" + good[1:], good[:-1], good + b"\0", good[:40], b"\1" + bytes(64),
                b"\1\xff\xff" + bytes(2000)):
        for step in ("claim", "answer"):
            status, why = liar.post(step, bad)
            assert status in (400, 403), (step, bad, why)
    link = http.client.HTTPSConnection("localhost", liar.house.port, context=liar.context,
                                       timeout=patience(20))
    link.request("POST", "/attestation/claim", "?" * 100)
    assert link.getresponse().status == 400
    link.close()


def test_nobody_is_heard_without_a_certificate(house):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for step in ("claim", "answer"):
        link = http.client.HTTPSConnection("localhost", house.port, context=context,
                                           timeout=patience(20))
        link.request("POST", f"/attestation/{step}", b"AA==")
        reply = link.getresponse()
        assert reply.status == 403 and b"show the certificate" in reply.read()
        link.close()


def test_roots_that_cannot_be_read_are_refused_before_anything_changes(tmp_path):
    house = House(config=ROLES + f'enrolment {{ port = {free_port()} '
                  f'attestation-roots = "{tmp_path}/none.pem" }}\n')
    with pytest.raises(AssertionError):
        house.broker.start()
    assert re.search("attestation-roots.*none.pem", house.broker.log())
    house.folder.cleanup()

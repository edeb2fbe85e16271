# SPDX-License-Identifier: Apache-2.0
"""Promise I2: the same public key twice, weak keys, and keys that are blocked, are refused when a
device is enrolled and when it connects, with the reason."""

import contextlib
import hashlib
import json
import sqlite3
import subprocess
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from support.broker import FOREIGN, TACIT
from support.patience import WITHIN_S
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

CONFIG = """
role "device" {{ publish = {{ "devices/%{{device}}/state" }} }}
listener "mqtts" {{
  port = 8883
  client-ca = "{ca}"
  certificate-role = device
}}
"""


class Keys(House):
    """A house that trusts the CA of a factory too, whose keys nobody has looked at."""

    def build(self):
        self.works = self.home / "works"
        self.works.mkdir()
        self.names = iter(f"k{n}" for n in range(1000))
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-subj", "/CN=Factory CA", "-days", 2,
                     "-keyout", self.works / "ca.key", "-out", self.works / "ca.crt")
        both = self.works / "trusted.crt"
        both.write_text((self.works / "ca.crt").read_text() + self.issuing().read_text())
        (self.state / "tacit.conf").write_text(CONFIG.format(ca=both))

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    def key(self, *words, **more):
        return self.tacit("key", *words, "--state", self.state, **more)

    def sql(self, text, *values):
        with contextlib.closing(sqlite3.connect(self.state / "registry.db", timeout=5)) as file:
            with file:
                file.execute(text, values)

    def request(self, key, name="x"):
        """A file with a certificate request."""
        path = self.works / f"{next(self.names)}.csr"
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = x509.CertificateSigningRequestBuilder().subject_name(subject)
        path.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(
            serialization.Encoding.PEM))
        return path

    def enrol(self, name, request, code=0):
        """`tacit device add --csr`; what it says on standard error."""
        return self.tacit("device", "add", name, "--role", "device", "--csr", request,
                          "--out", self.works / "enrolled", "--state", self.state, code=code).stderr

    def foreign(self, key, name):
        """A TLS context with a certificate that the factory's CA has signed for the key."""
        file, request = self.works / f"{name}.key", self.request(key, name)
        file.write_bytes(key.private_bytes(serialization.Encoding.PEM,
                                           serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
        crt = self.works / f"{name}.crt"
        self.openssl("x509", "-req", "-in", request, "-CA", self.works / "ca.crt", "-CAkey",
                     self.works / "ca.key", "-CAcreateserial", "-days", 1, "-out", crt)
        context = self.context()
        context.load_cert_chain(crt, file)
        return context

    def refused(self, name, context=None, version=5):
        """The reason that a CONNECT is refused with; None for it was not."""
        one = self.connect(name, version, context=context)
        try:
            one.open(name, reason=0x87 if version == 5 else 5)
            return dict(one.connack.props)["reason_string"] if version == 5 else ""
        finally:
            one.close()


@pytest.fixture(scope="module", params=[1, 2], ids=lambda n: f"shards{n}")
def house(request):
    with Keys(shards=request.param) as one:
        one.broker.stop()
        one.build()
        one.broker.start()
        yield one


@pytest.fixture
def lamp(house):
    """The name of a device that no other test has touched."""
    name = next(house.names)
    house.add(name, "device")
    return name


def spki(key):
    public = key.public_key() if hasattr(key, "public_key") else key
    return public.public_bytes(serialization.Encoding.DER,
                               serialization.PublicFormat.SubjectPublicKeyInfo)


def sha256(key):
    return hashlib.sha256(spki(key)).hexdigest()


def key_of(house, name):
    text = open(house.files(name)[2], "rb").read()
    return serialization.load_pem_private_key(text, None)


def new_key():
    return ec.generate_private_key(ec.SECP256R1())


# ---- the same key twice ----


def test_one_key_is_one_device(house):
    request = house.request(new_key())
    house.enrol(first := next(house.names), request)
    said = house.enrol(next(house.names), request, code=1)
    assert f"belongs to '{first}'" in said
    house.enrol(first, request)  # a renewal


@pytest.mark.parametrize("change", ["DELETE FROM identity WHERE name = ?",
                                    "UPDATE identity SET name = name || '-old' WHERE name = ?"])
def test_a_key_stays_its_first_owners(house, change):
    request = house.request(new_key())
    house.enrol(first := next(house.names), request)
    house.sql(change, first)
    said = house.enrol(next(house.names), request, code=1)
    assert f"'{first}'" in said


# ---- weak keys ----


def small_ec(k, curve=ec.SECP256R1()):
    return ec.derive_private_key(k, curve)


def close_primes():
    """RSA of two primes beside each other."""
    def is_prime(n):
        return all(pow(a, n - 1, n) == 1 for a in (2, 3, 5, 7))

    p = rsa.generate_private_key(65537, 2048).private_numbers().p
    q = p + 2
    while not is_prime(q) or (q - 1) % 65537 == 0:
        q += 2
    d = pow(65537, -1, (p - 1) * (q - 1))
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p),
                                 rsa.RSAPublicNumbers(65537, p * q)).private_key()


WEAK = {
    "RSA-1024": (lambda: rsa.generate_private_key(65537, 1024), "too short"),
    "exponent 3": (lambda: rsa.generate_private_key(3, 2048), "exponent"),
    "close primes": (close_primes, "too close"),
    "P-224": (lambda: ec.generate_private_key(ec.SECP224R1()), "curve"),
    "k = 1": (lambda: small_ec(1), "small number"),
    "k = 40000": (lambda: small_ec(40000), "small number"),
    "P-384, k = 2": (lambda: small_ec(2, ec.SECP384R1()), "small number"),
}


@pytest.mark.parametrize("kind", WEAK)
def test_weak_keys_are_not_enrolled(house, kind):
    make, reason = WEAK[kind]
    key = make()
    assert reason in house.enrol(next(house.names), house.request(key), code=1)
    public = house.works / "weak.der"
    public.write_bytes(spki(key))
    assert reason in house.key("check", public, code=3).stdout


@pytest.mark.parametrize("kind", ["exponent 3", "close primes", "k = 1", "P-384, k = 2"])
def test_weak_keys_do_not_connect(house, kind):
    """With a certificate of a CA that has not looked."""
    make, reason = WEAK[kind]
    name = next(house.names)
    assert reason in house.refused(name, house.foreign(make(), name))


def test_a_good_foreign_key_connects(house):
    for key in (new_key(), rsa.generate_private_key(65537, 2048)):
        name = next(house.names)
        one = house.connect(name, context=house.foreign(key, name))
        one.open(name).close()


# ---- blocked keys ----


def test_a_blocked_key_is_not_enrolled(house):
    key = new_key()
    request = house.request(key)
    house.key("block", request, "--reason", "found in a public repository")
    said = house.enrol(next(house.names), request, code=1)
    assert "blocked: found in a public repository" in said
    assert "already" in house.key("block", "--sha256", sha256(key)).stdout
    house.key("unblock", sha256(key))
    house.key("unblock", sha256(key), code=1)
    house.enrol(next(house.names), request)


def test_a_private_key_is_blocked_by_its_public_half(house):
    key = new_key()
    private = house.works / "published.key"
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM,
                                          serialization.PrivateFormat.TraditionalOpenSSL,
                                          serialization.NoEncryption()))
    done = house.key("block", private, "--json")
    assert json.loads(done.stdout)[0]["key_sha256"] == sha256(key)
    assert f"{key.private_numbers().private_value:x}" not in done.stdout + done.stderr
    assert "blocked" in house.enrol(next(house.names), house.request(key), code=1)


@pytest.mark.parametrize("version", [4, 5])
def test_blocking_ends_a_live_session(house, lamp, version):
    one = house.connect(lamp, version)
    one.open(lamp)
    ticket = house.context(lamp)
    assert lamp in house.key("block", house.files(lamp)[1], "--reason", "stolen").stdout
    began = time.monotonic()
    one.expect_refusal(0x98, timeout=WITHIN_S)
    took = time.monotonic() - began
    print(f"closed after {took * 1000:.0f} ms")
    assert took < WITHIN_S
    reason = house.refused(lamp, ticket, version)
    assert version == 4 or "blocked" in reason
    found = house.key("check", house.files(lamp)[1], code=3).stdout
    assert "stolen" in found and f"the key of '{lamp}'" in found
    # Renewed it cannot be either.
    said = house.tacit("device", "add", lamp, "--role", "device", "--state", house.state, code=1)
    assert "blocked: stolen" in said.stderr


def test_a_foreign_key_is_blocked(house):
    name, key = next(house.names), new_key()
    context = house.foreign(key, name)
    one = house.connect(name, context=context)
    one.open(name)
    house.key("block", "--sha256", sha256(key))
    one.expect_refusal(0x98, timeout=WITHIN_S)
    assert "blocked" in house.refused(name, context)


def test_a_list_of_moduli(house):
    """In the format of openssl-blacklist: it is in force within a second, and goes with its file."""
    name, key = next(house.names), rsa.generate_private_key(65537, 2048)
    context = house.foreign(key, name)
    one = house.connect(name, context=context)
    one.open(name)
    modulus = f"Modulus={key.public_key().public_numbers().n:X}\n".encode()
    tag = hashlib.sha1(modulus).hexdigest()[20:]
    blacklist = house.works / "blacklist.RSA-2048"
    blacklist.write_text(f"# weak\n0123456789abcdef0123\n{tag}\n")
    assert "2 RSA moduli" in house.key("import", blacklist).stdout
    one.expect_refusal(0x98, timeout=WITHIN_S)
    assert "list" in house.refused(name, context)
    assert "blacklist.RSA-2048" in house.enrol(next(house.names), house.request(key), code=1)
    listed = json.loads(house.key("list", "--json").stdout)
    assert {"file": "blacklist.RSA-2048.list", "entries": 2} in listed["lists"]

    (house.state / "blocked-keys/blacklist.RSA-2048.list").unlink()
    until = time.monotonic() + 4
    while True:
        again = house.connect(name, context=context)
        try:
            again.open(name)
            break
        except AssertionError:
            assert time.monotonic() < until, "the list is gone and still in force"
            time.sleep(0.1)
        finally:
            again.close()


def test_a_list_is_taken_whole_or_not_at_all(house):
    key = new_key()
    text = house.works / "published.txt"
    text.write_text(f"{sha256(key)} in the examples of a product\nnonsense\n")
    said = house.key("import", text, code=1).stderr
    assert f"{text}:2: " in said
    house.enrol(next(house.names), house.request(key))
    other = new_key()
    text.write_text(f"{sha256(other)} in the examples of a product\r\n\r\n# done\r\n")
    house.key("import", text, "--source", "product 1.0")
    said = house.enrol(next(house.names), house.request(other), code=1)
    assert "in the examples of a product (product 1.0)" in said
    listed = json.loads(house.key("list", "--json").stdout)["keys"]
    assert [row["source"] for row in listed if row["key_sha256"] == sha256(other)] == [
        "product 1.0"]


# ---- the tool ----


def test_check_of_a_good_key(house, lamp):
    for file in house.files(lamp)[1:]:
        done = house.key("check", file)
        assert "P-256" in done.stdout and sha256(key_of(house, lamp)) in done.stdout
        assert f"the key of '{lamp}'" in done.stdout
    row, = json.loads(house.key("check", house.files(lamp)[1], "--json").stdout)
    assert row["device"] == lamp and row["weakness"] is None and row["blocked"] is None
    assert row["algorithm"] == "P-256"


def test_wrong_usage(house):
    house.key(code=2)
    house.key("check", code=2)
    house.key("block", code=2)
    house.key("block", "--sha256", "abc", code=2)
    house.key("unblock", "0123456789abcdef0123", code=2)
    house.key("list", "more", code=2)
    house.key("check", house.works, code=1)
    house.key("check", house.state / "tacit.conf", code=1)
    house.key("block", house.state / "none", code=1)

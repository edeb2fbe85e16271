# SPDX-License-Identifier: Apache-2.0
"""What is substituted into topics comes from certificates and the registry. A name that would
change a topic's shape is refused where it comes in: at enrolment and at CONNECT."""

import itertools
import re
import sqlite3
import ssl
import subprocess
import time

import pytest

from support import der, wire
from support.broker import FOREIGN, TACIT, free_port
from support.client import Closed, RawClient
from support.place import Place

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")
BOTH = pytest.mark.parametrize("version", [4, 5], ids=["v311", "v5"])

OWN = """
listener "mqtts" {
  port = 8883
}
"""
CONFIG = """
role "device" {{
  publish   = {{ "devices/%{{device}}/state", "at/%{{tenant}}/%{{site}}/x" }}
  subscribe = {{ "devices/%{{device}}/set", "at/%{{tenant}}/%{{site}}/x" }}
  tenant-space = common
}}
role "pump" {{
  publish   = {{ "pumps/%{{device}}/state" }}
  subscribe = {{ "pumps/%{{device}}/set" }}
  wildcards {{ prefix = "pumps/" depth = any most-topics = 9 expires = never
    owner = "o" reason = "r" }}
}}
assign "pumps" {{
  organization = "Pumps Ltd"
  role = pump
}}
listener "works" {{
  port = {port}
  client-ca = "{ca}"
  certificate-role = pump
  client-ids = any
}}
"""
LONG = "x" * 65536
NO_NAME = "common name cannot stand for a device|no TLS connection"


class Works(Place):
    """A house with a second listener, for the certificates of a factory."""

    def build(self):
        self.works = self.home / "works"
        self.works.mkdir()
        self.port, self.serials = free_port(), itertools.count(1000)
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-nodes", "-subj", "/CN=Factory CA", "-days", 2,
                     "-keyout", self.works / "ca.key", "-out", self.works / "ca.crt")
        self.write(CONFIG.format(port=self.port, ca=self.works / "ca.crt"))

    def openssl(self, *words, given=None):
        return subprocess.run(["openssl", *map(str, words)], check=True, input=given,
                              capture_output=True).stdout

    def domain(self):
        text = self.openssl("x509", "-in", self.state / "admin/admin.crt", "-noout", "-ext",
                            "subjectAltName").decode()
        return re.search(r"spiffe://([^/]+)/", text)[1]

    def request(self, file, subject="/CN=x"):
        key, request = self.works / f"{file}.key", self.works / f"{file}.csr"
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-utf8", "-subj", subject, "-keyout", key, "-out", request)
        return request

    def sign(self, file, authority, names=None):
        """The request, signed with the key of our own CA or the factory's."""
        folder = self.state / "ca" if authority == "own" else self.works
        extensions = self.works / f"{file}.cnf"
        extensions.write_text("extendedKeyUsage = clientAuth\n"
                              + (f"subjectAltName = @names\n[names]\n{names}\n" if names else ""))
        self.openssl("x509", "-req", "-in", self.works / f"{file}.csr", "-CA", folder / "ca.crt",
                     "-CAkey", folder / "ca.key", "-set_serial", "0x5" + file.encode().hex()[-30:],
                     "-days", 1, "-extfile", extensions, "-out", self.works / f"{file}.crt")

    def forge(self, file, *attributes):
        """A certificate of the factory with this subject, whatever its bytes are."""
        key = self.works / f"{file}.key"
        self.openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256",
                     "-out", key)
        public = self.openssl("pkey", "-in", key, "-pubout", "-outform", "DER")
        issuer = der.name((der.COMMON_NAME, der.UTF8, b"Factory CA"))
        text = der.certificate(issuer, der.name(*attributes), public, next(self.serials),
                               self.signature)
        (self.works / f"{file}.crt").write_text(text)

    def signature(self, body):
        file = self.works / "body.der"
        file.write_bytes(body)
        return self.openssl("dgst", "-sha256", "-sign", self.works / "ca.key", file)

    def context_of(self, file):
        context = self.context()
        context.load_cert_chain(self.works / f"{file}.crt", self.works / f"{file}.key")
        return context

    def come(self, file, version, port=None, context=None):
        return RawClient(self.broker.host, port or self.broker.port, version,
                         tls=context or self.context_of(file))

    def refused_once(self, context, version, port):
        """CONNACK 0x87 or 5, or no handshake."""
        one = None
        try:
            one = self.come(None, version, port, context)
            one.send(wire.connect(version, "x"))
            answer = one.expect(wire.CONNACK)
            assert answer.reason == (0x87 if version == 5 else 5), answer
            one.expect_closed()
        except (Closed, OSError):
            pass
        finally:
            if one is not None:
                one.close()

    def expect_refusal(self, file, version, why, port=None):
        """It is, and the log says why, without an expansion. The log has so many lines of a kind in
        a second and no more, so who has just seen many refusals asks again."""
        before, deadline = len(self.broker.log()), time.monotonic() + 4
        context = self.context_of(file)
        while True:
            self.refused_once(context, version, port)
            said = self.broker.log()[before:]
            if re.search(why, said):
                break
            assert time.monotonic() < deadline, f"{why!r} is not said but:\n{said}"
            time.sleep(0.05)
        assert " connected" not in said and "device %" not in said, said


@pytest.fixture(scope="module")
def works():
    with Works(1, OWN) as one:
        one.broker.stop()
        one.build()
        one.broker.start()
        yield one


# -- enrolment --------------------------------------------------------------------------------------

NAMES = ["+", "#", "a/b", "$SYS", "", ".", "a b", "%{device}", "a+b", "é", "a\tb", "x" * 129,
         b"\xff\xfe", b"a\x01", "'", '"', "\\"]


def add(works, name, *more):
    """`tacit device add`, whose arguments may be no text at all."""
    command = [str(TACIT), "device", "add", name, "--state", str(works.state), "--host",
               "localhost", "--port", str(works.broker.port), *more]
    return subprocess.run(command, env=works.environment, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=20)


@pytest.mark.parametrize("name", [*NAMES, "-", "_x", "x" * 65, LONG], ids=lambda n: repr(n)[:16])
def test_enrolment_refuses_the_name(works, name):
    before = works.tacit("device", "list", "--state", works.state).stdout
    done = add(works, name, "--role", "device")
    assert done.returncode in (1, 2) and b"name" in done.stderr, done
    assert works.tacit("device", "list", "--state", works.state).stdout == before


@pytest.mark.parametrize("option", ["--role", "--tenant", "--site"])
@pytest.mark.parametrize("value", [n for n in [*NAMES, LONG] if n != ""],
                         ids=lambda n: repr(n)[:16])
def test_enrolment_refuses_the_place(works, option, value):
    more = [option, value] if option == "--role" else ["--role", "device", option, value]
    done = add(works, "placed", *more)
    assert done.returncode in (1, 2) and b"role, tenant and site" in done.stderr, done
    assert b"placed" not in works.tacit("device", "list", "--state",
                                        works.state).stdout.encode()


@pytest.mark.parametrize("number, subject", enumerate([
    "/CN=+", "/CN=#", r"/CN=a\/b", "/CN=$SYS", "/CN=%{device}", "/O=Pumps Ltd/CN=admin"]))
def test_what_a_request_says_of_itself_does_not_count(works, number, subject):
    """The name is the operator's; of the request only the key is taken."""
    name = f"asked{number}"
    request = works.request(name, subject)
    works.tacit("device", "add", name, "--role", "device", "--state", works.state, "--csr", request,
                "--out", works.works)
    text = works.openssl("x509", "-in", works.works / f"{name}.crt", "-noout", "-subject", "-ext",
                         "subjectAltName").decode()
    assert re.search(rf"CN ?= ?{name}\b", text) and f"/device/{name}" in text, text
    one = works.come(name, 5).open(name)
    one.subscribe(f"devices/{name}/set", "devices/+/set", "devices/admin/set",
                  reasons=[0, 0xA2, 0x87])
    one.close()


def test_names_in_a_request_do_not_count(works):
    """A subject alternative name that is asked for, even of our own domain, is not given."""
    request = works.request("wishes")
    works.openssl("req", "-new", "-key", works.works / "wishes.key", "-subj", "/CN=admin",
                  "-addext", f"subjectAltName=URI:spiffe://{works.domain()}/admin/admin",
                  "-out", request)
    done = works.tacit("device", "add", "wishes", "--role", "device", "--state", works.state,
                       "--csr", request, "--out", works.works, code=None)
    if done.returncode == 0:
        text = works.openssl("x509", "-in", works.works / "wishes.crt", "-noout", "-ext",
                             "subjectAltName").decode()
        assert "admin" not in text and "/device/wishes" in text, text


# -- certificates of our own CA, signed by hand -------------------------------------------------------

URIS = ["device/+", "device/#", "device/a/b", "device/$SYS", "device/", "device", "device/%{device}",
        "device/.", "device/lamp/", "device/" + "x" * 65, "device/" + "x" * 2000, "+/lamp",
        "robot/lamp", "device/a b", "device/nobody"]


@BOTH
@pytest.mark.parametrize("number", range(len(URIS)), ids=[u[:16] for u in URIS])
def test_hostile_names_of_our_own_domain(works, version, number):
    """Whoever has the key of the CA is still not whoever he says."""
    file = f"own{number}v{version}"
    works.request(file, "/CN=admin")
    uri = f"spiffe://{works.domain()}/{URIS[number]}".replace("$", r"\$")
    works.sign(file, "own", f"URI.1 = {uri}")
    works.expect_refusal(file, version, "carries no identity of this broker|not in the registry")


@BOTH
def test_many_names_in_one_certificate(works, version):
    """The one that is valid needs the key that is registered for it."""
    works.add(f"victim{version}", "device")
    file = f"many{version}"
    works.request(file, f"/CN=victim{version}")
    uris = ["https://example.org/+", "spiffe://other/device/#",
            f"spiffe://{works.domain()}/device/victim{version}",
            f"spiffe://{works.domain()}/device/+"]
    works.sign(file, "own", "\n".join(f"URI.{n} = {uri}" for n, uri in enumerate(uris)))
    works.expect_refusal(file, version, "key is not the one registered")


# -- certificates of others ---------------------------------------------------------------------------

COMMON = [(der.UTF8, b"+"), (der.UTF8, b"#"), (der.UTF8, b"a/b"), (der.UTF8, b"$SYS"),
          (der.UTF8, b"%{device}"), (der.PRINTABLE, b"%{tenant}"), (der.UTF8, b"a b"),
          (der.UTF8, b".hidden"), (der.UTF8, b"x" * 64 + b"/"), (der.UTF8, b"y" * 129),
          (der.UTF8, b"y" * 65536), (der.UTF8, "p\u00e9".encode()), (der.T61, b"a\xff"),
          (der.T61, b"+"), (der.IA5, b"a/b"), (der.BMP, b"\x00p\x00u"), (der.BMP, b"\x00+"),
          (der.BMP, b"ab"), (der.UNIVERSAL, b"\0\1dm"), (der.UNIVERSAL, b"\x00\x00\x00+"),
          (der.UTF8, b"lamp\x00/+"), (der.UTF8, b"p1\x00"), (der.UTF8, b"\x00"),
          (der.UTF8, b"a\n"), (der.UTF8, b"a\x1b[2J"), (der.UTF8, b"")]


@BOTH
@pytest.mark.parametrize("number", range(len(COMMON)),
                         ids=[f"{tag:02x}-{value[:9]!r}" for tag, value in COMMON])
def test_hostile_common_names(works, version, number):
    file = f"foreign{number}v{version}"
    works.forge(file, (der.COMMON_NAME, *COMMON[number]))
    works.expect_refusal(file, version, NO_NAME, works.port)
    assert b"\x1b" not in works.broker.log_file.read_bytes()


@pytest.mark.parametrize("tag, value", [
    (der.UTF8, b"\xff\xfe"), (der.UTF8, b"\xc0\xaf"), (der.UTF8, b"\xed\xa0\x80"),
    (der.UTF8, b"lamp\xff"), (der.BMP, b"\xd8\x00"), (der.BMP, b"odd")])
def test_common_names_that_are_no_text(works, tag, value):
    """What is not valid in its own ASN.1 type is no certificate, for OpenSSL on both sides."""
    file = f"broken{next(works.serials)}"
    works.forge(file, (der.COMMON_NAME, tag, value))
    with pytest.raises(ssl.SSLError):
        works.context_of(file)


@BOTH
@pytest.mark.parametrize("attributes", [
    [], [(der.ORGANIZATION, der.UTF8, b"Pumps Ltd")],
    [(der.COMMON_NAME, der.UTF8, b"good"), (der.COMMON_NAME, der.UTF8, b"+")],
    [(der.ORGANIZATION, der.UTF8, b"Pumps Ltd"), (der.COMMON_NAME, der.UTF8, b"#")],
    [(der.ORGANIZATION, der.UTF8, b"Pumps Ltd"), (der.COMMON_NAME, der.UTF8, b"good"),
     (der.COMMON_NAME, der.BMP, b"\x00+")],
], ids=["none", "organization", "two", "assigned", "assigned-two"])
def test_hostile_subjects(works, version, attributes):
    file = f"subject{next(works.serials)}"
    works.forge(file, *attributes)
    works.expect_refusal(file, version, NO_NAME, works.port)


@BOTH
def test_a_good_name_beside_them(works, version):
    """The certificates are refused for their names and for nothing else."""
    file = f"good{version}"
    works.forge(file, (der.COMMON_NAME, der.UTF8, file.encode()))
    one = works.come(file, version, works.port).open(file)
    one.subscribe(f"pumps/{file}/set", "pumps/+/set", "pumps/other/set",
                  reasons=[0, *([0x87] * 2 if version == 5 else [0x80] * 2)])
    one.close()


# -- rows that somebody wrote -------------------------------------------------------------------------

ROWS = ["+", "#", "a/b", "$SYS", "a b", "%{device}", ".", "\N{LATIN SMALL LETTER E WITH ACUTE}",
        "device\0", "\0", LONG]
PLACES = [(column, row) for column in ("role", "tenant", "site") for row in ROWS]
PLACES += [("role", row) for row in ("group:g", "device:untouched", "no-such-role")]


@pytest.fixture(scope="module")
def tampered(works):
    """Devices to write nonsense about; one that nobody touches must go on."""
    for name in ("touched", "untouched"):
        works.add(name, "device")
    works.sql("UPDATE identity SET tenant = 'acme', site = 'hall' WHERE name = 'untouched'")
    yield works


def admitted(works, name, version):
    """The reason of CONNACK, and what may be subscribed to."""
    one = works.connect(name, version)
    try:
        one.send(wire.connect(version, name))
        reason = one.expect(wire.CONNACK).reason
        granted = []
        for pattern in ["devices/touched/set", "devices/+/set", "at/+/+/x", "at/a/b/x", "at/#",
                        "at/acme/hall/x"] if reason == 0 else []:
            one.send(wire.subscribe(version, 7, (pattern, 0)))
            if one.expect(wire.SUBACK).reasons[0] < 0x80:
                granted.append(pattern)
        return reason, granted
    finally:
        one.close()


@BOTH
@pytest.mark.parametrize("column, value", PLACES, ids=[f"{c}-{v!r:.12}" for c, v in PLACES])
def test_rows_of_other_tools_widen_nothing(tampered, version, column, value):
    """The device is refused; what changes for others counts all the same."""
    before = tampered.force()
    tampered.sql("UPDATE identity SET role = 'device', tenant = 't', site = 's' "
                 "WHERE name = 'touched'")
    tampered.sql(f"UPDATE identity SET {column} = ? WHERE name = 'touched'", value)
    tampered.wait("policy in force", before + 1, 2)
    refused = 0x87 if version == 5 else 5
    said, deadline = len(tampered.broker.log()), time.monotonic() + 4
    while True:
        assert admitted(tampered, "touched", version) == (refused, [])
        if re.search(r"refused.*(row of this device|cannot stand in a topic|not defined)",
                     tampered.broker.log()[said:]):
            break
        assert time.monotonic() < deadline, tampered.broker.log()[said:]
        time.sleep(0.05)  # the log has so many refusals in a second and no more
    assert admitted(tampered, "untouched", version) == (0, ["at/acme/hall/x"])
    tampered.tacit("device", "suspend", "untouched", "--state", tampered.state, code=None)
    tampered.wait("policy in force", before + 2, 2)
    assert admitted(tampered, "untouched", version)[0] == refused
    tampered.tacit("device", "resume", "untouched", "--state", tampered.state, code=None)
    tampered.wait("policy in force", before + 3, 2)


def test_a_blob_is_no_text(tampered):
    with pytest.raises(sqlite3.IntegrityError):
        tampered.sql("UPDATE identity SET role = x'2b' WHERE name = 'touched'")


@BOTH
@pytest.mark.parametrize("value", ["+", "a/b", "x" * 65, LONG, "touched\0"],
                         ids=lambda v: repr(v)[:12])
def test_a_name_of_other_tools_is_nobodys(tampered, version, value):
    tampered.sql("UPDATE identity SET role = 'device', tenant = 't', site = 's' "
                 "WHERE name = 'touched'")
    tampered.sql("UPDATE identity SET name = ? WHERE name = 'touched'", value)
    try:
        tampered.wait("policy in force", 1, 2)
        assert admitted(tampered, "untouched", version) == (0, ["at/acme/hall/x"])
        one = tampered.connect("touched", version)
        one.open("touched", reason=0x87 if version == 5 else 5)
        one.close()
        tampered.broker.restart()
        assert admitted(tampered, "untouched", version) == (0, ["at/acme/hall/x"])
    finally:
        tampered.sql("UPDATE identity SET name = 'touched' WHERE name = ?", value)

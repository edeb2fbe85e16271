# SPDX-License-Identifier: Apache-2.0
"""Certificates of every kind at a listener with several authorities: each bad one is refused, and
the log has its own reason."""

import datetime
import ssl
import subprocess
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.client import Closed
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

CONFIG = """
role "guest" {{ subscribe = {{ "news" }} }}
listener "mqtts" {{
  port = 8883
  client-ca = "{trusted}"
  crl = "{lists}"
  client-ids = any
  certificate-role = guest
}}
"""

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
unique_subject = no
default_crl_days = 1
[any]
commonName = supplied
"""

AUTHORITY = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\n"
ISSUING = "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n"
CLIENT = "extendedKeyUsage=clientAuth\n"
DAY = (-1, 24)


class Works(House):
    """A house that trusts four authorities of others."""

    def openssl(self, *words):
        subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)

    def path(self, file, ending):
        return self.folder_of_works / f"{file}.{ending}"

    def key(self, file, kind):
        algorithm = {"p256": ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
                     "rsa1024": ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
                     "ed25519": ["-algorithm", "ED25519"]}[kind]
        self.openssl("genpkey", *algorithm, "-out", self.path(file, "key"))

    def root(self, file, extensions=AUTHORITY, key="p256"):
        self.make(file, None, extensions, key=key)

    def make(self, file, issuer, extensions=CLIENT, chain=(), hours=DAY, key="p256", digest=None):
        """A certificate for a new key, and those of `chain` behind it."""
        self.key(file, key)
        request, certificate = self.path(file, "csr"), self.path(file, "crt")
        self.path(file, "ext").write_text(extensions)
        self.openssl("req", "-new", "-key", self.path(file, "key"), "-subj", f"/CN={file}",
                     "-out", request)
        now = datetime.datetime.now(datetime.timezone.utc)
        begin, end = ((now + datetime.timedelta(hours=h)).strftime("%Y%m%d%H%M%SZ") for h in hours)
        signer = (["-selfsign", "-keyfile", self.path(file, "key")] if issuer is None else
                  ["-cert", self.path(issuer, "crt"), "-keyfile", self.path(issuer, "key")])
        self.openssl("ca", "-batch", "-config", self.ca_conf, *signer, "-in", request,
                     "-startdate", begin, "-enddate", end, "-extfile", self.path(file, "ext"),
                     *(["-md", digest] if digest else []), "-notext", "-out", certificate)
        with certificate.open("a") as out:
            out.writelines(self.path(c, "crt").read_text() for c in chain)

    def revoke(self, file, issuer):
        signer = ["-config", self.ca_conf, "-cert", self.path(issuer, "crt"),
                  "-keyfile", self.path(issuer, "key")]
        self.openssl("ca", *signer, "-revoke", self.path(file, "crt"))

    def revocation_list(self, issuer):
        self.openssl("ca", "-gencrl", "-config", self.ca_conf, "-cert", self.path(issuer, "crt"),
                     "-keyfile", self.path(issuer, "key"), "-out", self.path(issuer, "crl"))
        return self.path(issuer, "crl").read_text()

    def build(self):
        self.folder_of_works = self.home / "works"
        self.folder_of_works.mkdir()
        self.ca_conf = self.folder_of_works / "ca.conf"
        self.ca_conf.write_text(CA_CONF.format(folder=self.folder_of_works))
        (self.folder_of_works / "index.txt").write_text("")
        self.root("first")
        self.root("second", key="ed25519")
        self.root("permitting", AUTHORITY +
                  "nameConstraints=critical,permitted;URI:pumps.example,permitted;DNS:pumps.example\n")
        self.root("excluding", AUTHORITY + "nameConstraints=critical,excluded;URI:presses.example,"
                  "excluded;DNS:presses.example\n")
        self.root("stranger")
        self.make("middle", "first", ISSUING)
        self.make("deeper", "middle", AUTHORITY)
        self.make("retired", "first", AUTHORITY, hours=(-48, -24))
        self.make("link1", "first", AUTHORITY)
        for n in range(2, 6):
            self.make(f"link{n}", f"link{n - 1}", AUTHORITY)
        self.make("gone", "first")
        self.revoke("gone", "first")
        trusted = ["first", "second", "permitting", "excluding"]
        text = "".join(self.path(t, "crt").read_text() for t in trusted)
        self.path("trusted", "pem").write_text(text + self.issuing().read_text())
        # With lists, the issuer of every client's certificate needs one.
        issuers = [*trusted, "middle", "deeper", "retired", "link5"]
        lists = self.path("lists", "pem")
        lists.write_text("".join(self.revocation_list(i) for i in issuers))
        (self.state / "tacit.conf").write_text(
            CONFIG.format(trusted=self.path("trusted", "pem"), lists=lists))

    def come(self, file):
        context = self.context()
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.load_cert_chain(self.path(file, "crt"), self.path(file, "key"))
        return self.connect(None, context=context)


@pytest.fixture(scope="module")
def works():
    with Works() as one:
        one.broker.stop()
        one.build()
        one.broker.start()
        yield one


def uri(host):
    return f"{CLIENT}subjectAltName=URI:spiffe://{host}/device/p\n"


GOOD = [
    ("good-first", "first", {}),
    ("good-second", "second", {"key": "ed25519"}),
    ("good-chain", "middle", {"chain": ["middle"]}),
    ("good-permitted", "permitting", {"extensions": uri("pumps.example")}),
    ("good-not-excluded", "excluding", {"extensions": uri("pumps.example")}),
    ("good-unknown", "first", {"extensions": CLIENT + "1.2.3.4.5=DER:05:00\n"}),
]

BAD = [
    ("expired", "first", {"hours": (-48, -24)}, "expired ({}): certificate has expired"),
    ("too-early", "first", {"hours": (24, 48)}, "too-early ({}): certificate is not yet valid"),
    ("wrong-usage", "first", {"extensions": "extendedKeyUsage=serverAuth\n"},
     "wrong-usage ({}): unsuitable certificate purpose"),
    ("wrong-ca", "stranger", {}, "wrong-ca ({}): unable to get local issuer certificate"),
    ("wrong-root", "stranger", {"chain": ["stranger"]},
     "issuer certificate stranger ({}): self-signed certificate in certificate chain"),
    ("self-signed", None, {}, "client certificate self-signed ({}): self-signed certificate"),
    ("not-permitted", "permitting", {"extensions": uri("lamps.example")},
     "not-permitted ({}): permitted subtree violation"),
    ("not-permitted-dns", "permitting",
     {"extensions": CLIENT + "subjectAltName=DNS:lamps.example\n"},
     "not-permitted-dns ({}): permitted subtree violation"),
    ("excluded", "excluding", {"extensions": uri("presses.example")},
     "excluded ({}): excluded subtree violation"),
    ("excluded-dns", "excluding",
     {"extensions": CLIENT + "subjectAltName=DNS:a.presses.example\n"},
     "excluded-dns ({}): excluded subtree violation"),
    ("weak", "first", {"key": "rsa1024"}, "weak ({}): EE certificate key too weak"),
    ("old-digest", "first", {"digest": "sha1"},
     "old-digest ({}): CA signature digest algorithm too weak"),
    ("too-deep", "deeper", {"chain": ["deeper", "middle"]}, "path length constraint exceeded"),
    ("too-long", "link5", {"chain": ["link5", "link4", "link3", "link2", "link1"]},
     "certificate chain too long"),
    ("by-the-retired", "retired", {"chain": ["retired"]},
     "issuer certificate retired ({}): certificate has expired"),
    ("huge", "first", {"extensions": CLIENT + "nsComment=" + "x" * 200000 + "\n"},
     "certificates of more than 32 KiB"),
    ("critical", "first", {"extensions": CLIENT + "1.2.3.4.5=critical,DER:05:00\n"},
     "critical ({}): unhandled critical extension"),
]


@pytest.mark.parametrize("file, issuer, how", GOOD, ids=[row[0] for row in GOOD])
def test_good_ones_come_in(works, file, issuer, how):
    works.make(file, issuer, **how)
    one = works.come(file).open(file)
    one.subscribe("news")
    one.close()


def refused(works, file, why):
    """Nothing comes back, and the log says why within a second."""
    before = len(works.broker.log())
    try:
        answers = works.come(file).send(wire.connect(5, file)).drain()
        assert answers == [], answers
    except (ssl.SSLError, OSError, Closed):
        pass
    parts = why.split("{}")
    deadline = time.monotonic() + 1.0
    while True:
        lines = [line for line in works.broker.log()[before:].splitlines()
                 if all(part in line for part in parts)]
        if lines or time.monotonic() > deadline:
            break
        time.sleep(0.02)
    assert lines, f"{why!r} is not in:\n{works.broker.log()[before:]}"


@pytest.mark.parametrize("file, issuer, how, why", BAD, ids=[row[0] for row in BAD])
def test_bad_ones_are_refused_each_with_its_reason(works, file, issuer, how, why):
    works.make(file, issuer, **how)
    refused(works, file, why)


def test_a_revoked_one(works):
    refused(works, "gone", "gone ({}): certificate revoked")


def test_nobody_else_was_harmed(works):
    """After all of them the broker is there, and lets good ones in."""
    works.make("survivor", "first")
    works.come("survivor").open("survivor").leave()

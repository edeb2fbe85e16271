# SPDX-License-Identifier: Apache-2.0
"""I4: revocation ends live sessions in under a second, suppresses the will, freezes the queue; and
what a broker says about it: revocation lists, OCSP, audit."""

import contextlib
import json
import random
import re
import socket
import sqlite3
import subprocess
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.client import Closed
from support.patience import WITHIN_S, patience, times
from support.ports import free_port
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

ROUND_S = patience(12.0)  # more than two rounds of upkeep

CONFIG = """shards = {shards}
listener "mqtts" {{ port = 8883 client-ids = any }}
role "device" {{
  publish   = {{ "devices/%{{device}}/state" }}
  subscribe = {{ "devices/%{{device}}/set" }}
}}
role "panel" {{
  publish   = {{ "devices/+/set" }}
  subscribe = {{ "devices/+/state" }}
}}
"""
BOTH = pytest.mark.parametrize("version", [4, 5])
KEPT = {4: {"clean": False}, 5: {"clean": False, "props": [("session_expiry", 600)]}}
REFUSED = {4: 5, 5: 0x87}


def openssl(*words, given=None):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True,
                          input=given, timeout=patience(20.0))
    assert done.returncode == 0, f"openssl {words}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


class Place(House):
    def sql(self, text, *values):
        with contextlib.closing(sqlite3.connect(self.state / "registry.db", timeout=5)) as file:
            with file:
                return file.execute(text, values).fetchall()

    def run(self, *words, **more):
        return self.tacit(*words, "--state", self.state, **more)

    def told(self, *words, code=0):
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def wait_log(self, pattern, seconds=ROUND_S, count=1):
        deadline = time.monotonic() + seconds
        while len(re.findall(pattern, self.broker.log())) < count:
            assert time.monotonic() < deadline, f"no {pattern!r}:\n{self.broker.log()[-3000:]}"
            time.sleep(0.02)

    def listed(self):
        """Serial numbers on the published list."""
        text = openssl("crl", "-inform", "DER", "-in", self.state / "crl/ca.crl", "-noout", "-text")
        return {serial.lower().zfill(2) for serial in re.findall(r"Serial Number: ([0-9A-F]+)", text)}

    def serial(self, name):
        return self.told("device", "show", name)["certificate"]["serial"]

    def request(self, name):
        """A key made elsewhere and the request for it."""
        key, csr = self.home / f"{name}.new.key", self.home / f"{name}.csr"
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", key, "-subj", f"/CN={name}", "-out", csr)
        return key, csr

    def context_of(self, certificate, key):
        context = self.context()
        context.load_cert_chain(str(certificate), str(key))
        return context


@pytest.fixture(scope="module", params=[1, 2], ids=lambda n: f"shards{n}")
def house(request):
    with Place() as one:
        one.broker.stop()
        (one.state / "tacit.conf").write_text(CONFIG.format(shards=request.param))
        one.broker.start()
        one.names = iter(f"d{n}" for n in range(1000))
        one.add("panel", "panel")
        yield one


@pytest.fixture
def lamp(house):
    name = next(house.names)
    house.add(name, "device")
    return name


@pytest.fixture
def join(house):
    opened = []

    def new(name, version=5, context=None, client_id=None, **more):
        opened.append(house.connect(name, version, context))
        return opened[-1].open(client_id or name, **more)

    yield new
    for one in opened:
        one.close()


def refusal(house, name, version=5, context=None):
    """The reason in the log for the refusal of a CONNECT."""
    one = house.connect(name, version, context)
    one.open(name, reason=REFUSED[version])
    one.close()
    return re.findall(r"was refused.*", house.broker.log())[-1]


# ---- live sessions ------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("how", ["revoke", "suspend", "retire"])
def test_a_live_session_ends_within_a_second(house, join, lamp, version, how):
    """On whichever shard, without its will, also under a delay."""
    words = {"revoke": ("revoke", lamp, "--reason", "privilege-withdrawn", "--text", "left us"),
             "suspend": ("device", "suspend", lamp), "retire": ("device", "retire", lamp)}[how]
    topic = f"devices/{lamp}/state"
    panel = join("panel", client_id=f"panel-{lamp}")
    panel.subscribe(topic, qos=1)
    ones = [join(lamp, version, client_id=f"{lamp}-{n}", will=wire.Will(topic, b"evil", 1),
                 **KEPT[version]) for n in range(4)]
    began = time.monotonic()
    house.run(*words)
    for one in ones:
        one.expect_refusal(0x98, timeout=WITHIN_S)
    assert time.monotonic() - began < WITHIN_S + patience(0.3)  # the tool's own time
    panel.expect_nothing()
    reason = {"revoke": "has been revoked", "suspend": "is suspended",
              "retire": "taken out of service"}[how]
    assert reason in refusal(house, lamp, version)
    assert not re.search(rf'"{lamp}-\d" had a will', house.broker.log())


@BOTH
def test_a_suspended_queue_stands_still(house, join, lamp, version):
    topic = f"devices/{lamp}/set"
    panel, one = join("panel", client_id=f"panel-{lamp}"), join(lamp, version, **KEPT[version])
    one.subscribe(topic, qos=1)
    panel.publish(topic, b"not acknowledged", qos=1)
    one.message(payload=b"not acknowledged", acknowledge=False)
    one.drop()
    panel.publish(topic, b"queued", qos=1)
    house.run("device", "suspend", lamp)
    house.wait_log("policy in force", WITHIN_S)
    time.sleep(WITHIN_S / 2)
    panel.publish(topic, b"while suspended", qos=1)
    house.broker.restart()  # it is kept over a restart
    panel = join("panel", client_id=f"panel-{lamp}2")
    panel.publish(topic, b"still suspended", qos=1)
    house.run("device", "resume", lamp)
    time.sleep(WITHIN_S / 2)
    panel.publish(topic, b"resumed", qos=1)
    again = join(lamp, version, **KEPT[version])
    assert again.connack.session_present
    for payload in (b"not acknowledged", b"queued", b"resumed"):
        again.message(payload=payload)
    again.expect_nothing()


def test_a_ticket_of_a_revoked_device_is_refused(house, lamp):
    """A resumed handshake is judged as a full one."""
    context = house.context(lamp)
    first = house.connect(lamp, context=context).open(lamp)
    first.expect_nothing()
    session = first.socket.session
    first.leave()

    def resumed():
        plain = socket.create_connection((house.broker.host, house.broker.port))
        return context.wrap_socket(plain, server_hostname="localhost", session=session)

    with resumed() as one:
        assert one.session_reused
        one.sendall(wire.connect(5, lamp))
        assert one.recv(4)[0] == 0x20
    house.run("revoke", lamp, "--reason", "superseded")
    deadline = time.monotonic() + WITHIN_S
    while time.monotonic() < deadline:
        with resumed() as one:
            reused = one.session_reused
            one.sendall(wire.connect(5, lamp))
            packet = one.recv(4096)
        if packet[3] == 0x87:
            break
        time.sleep(0.02)
    assert packet[3] == 0x87 and reused, packet


# ---- back again ---------------------------------------------------------------------------------


@BOTH
def test_only_a_new_key_brings_it_back(house, join, lamp, version):
    topic = f"devices/{lamp}/set"
    panel, one = join("panel", client_id=f"panel-{lamp}"), join(lamp, version, **KEPT[version])
    one.subscribe(topic, qos=1)
    one.drop()
    panel.publish(topic, b"before", qos=1)
    house.run("revoke", lamp, "--reason", "key-compromise", "--text", "in a public place")
    assert "final" in house.run("device", "resume", lamp, code=1).stderr
    advice = house.run("unrevoke", lamp).stdout
    assert "key-compromise: in a public place" in advice and "--csr" in advice
    old = house.home / "old.csr"
    openssl("req", "-new", "-key", house.files(lamp)[2], "-subj", f"/CN={lamp}", "-out", old)
    assert "this key is blocked" in house.run("unrevoke", lamp, "--csr", old, code=1).stderr
    key, csr = house.request(lamp)
    house.run("unrevoke", lamp, "--csr", csr, "--out", house.home / "back")
    time.sleep(WITHIN_S / 2)
    again = join(lamp, version, house.context_of(house.home / f"back/{lamp}.crt", key),
                 **KEPT[version])
    assert again.connack.session_present
    again.message(payload=b"before")
    assert "key is blocked" in refusal(house, lamp, version)
    blocked = house.sql("SELECT source, reason FROM blocked_key WHERE source = ?", lamp)
    assert blocked == [(lamp, "revoked: key-compromise: in a public place")]


def test_a_renamed_device_needs_a_new_certificate(house, join, lamp):
    name = f"{lamp}x"
    house.run("group", "add", "hall", lamp, code=None)
    house.sql("INSERT OR IGNORE INTO membership VALUES ('hall', ?)", lamp)
    one = join(lamp)
    house.run("device", "rename", lamp, name)
    one.expect_refusal(0x98, timeout=WITHIN_S)
    assert "has another name now" in refusal(house, lamp)
    assert house.sql("SELECT grp FROM membership WHERE device = ?", name) == [("hall",)]
    taken = house.run("device", "add", lamp, "--role", "device", code=1).stderr
    assert name in taken or "another key" in taken or "belongs to" in taken, taken
    csr = house.home / "renamed.csr"
    openssl("req", "-new", "-key", house.files(lamp)[2], "-subj", f"/CN={name}", "-out", csr)
    house.run("device", "add", name, "--role", "device", "--csr", csr, "--out", house.home / "re")
    again = join(lamp, context=house.context_of(house.home / f"re/{name}.crt",
                                                house.files(lamp)[2]), client_id=name)
    again.subscribe(f"devices/{name}/set")


# ---- lists --------------------------------------------------------------------------------------


def test_the_list_follows_the_registry(house, lamp):
    """Published by the tool, or by tacitd when the registry changes under it; good for OpenSSL."""
    certificate = house.files(lamp)[1]
    pem = house.state / "crl/ca.crl.pem"
    check = ("verify", "-crl_check", "-partial_chain", "-CAfile", house.issuing(), "-CRLfile", pem, certificate)
    openssl(*check)
    serial = house.serial(lamp)
    house.run("device", "suspend", lamp)
    assert serial in house.listed()
    assert "Certificate Hold" in openssl("crl", "-in", pem, "-noout", "-text")
    house.run("device", "resume", lamp)
    assert serial not in house.listed()
    house.run("revoke", lamp, "--reason", "key-compromise")
    assert "Key Compromise" in openssl("crl", "-in", pem, "-noout", "-text")
    failed = subprocess.run(["openssl", *map(str, check)], capture_output=True, text=True)
    assert "certificate revoked" in failed.stderr
    for number in range(2):
        (house.state / "crl/ca.crl").unlink()
        house.sql("UPDATE identity SET changed = changed + 1 WHERE name = ?", lamp)
        deadline = time.monotonic() + WITHIN_S
        while not (house.state / "crl/ca.crl").exists():
            assert time.monotonic() < deadline, "tacitd does not publish"
            time.sleep(0.01)
        assert serial in house.listed(), number
    copy = house.home / "list.crl"
    told = house.told("ca", "crl", "--out", copy)
    assert told["certificates"] == len(house.listed())
    assert copy.read_bytes() == (house.state / "crl/ca.crl").read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o644


def test_a_statement_is_stapled(house):
    """That the server's certificate is good, for clients that ask."""
    where = f"{house.broker.host}:{house.broker.port}"
    said = openssl("s_client", "-connect", where, "-status", "-CAfile", house.authority(),
                   "-cert", house.state / "admin/admin.crt", "-key",
                   house.state / "admin/admin.key", given="")
    assert "OCSP Response Status: successful" in said and "Cert Status: good" in said, said
    answer = openssl("ocsp", "-respin", house.state / "server/server.ocsp", "-issuer",
                     house.issuing(), "-cert", house.state / "server/server.crt", "-verify_other",
                     house.issuing(), "-CAfile", house.authority(), "-no_nonce")
    assert "Response verify OK" in answer and "server.crt: good" in answer, answer


def test_without_the_key_of_the_ca(house, lamp):
    """A list that cannot be made anew stays, and that is said once; revoking works all the same."""
    key = house.state / "ca/ca.key"
    away = house.home / "ca.key"
    key.rename(away)
    try:
        (house.state / "server/server.ocsp").unlink()
        house.run("revoke", lamp, "--reason", "unspecified")
        house.wait_log("no revocation list is published", WITHIN_S)
        house.broker.restart()
        where = f"{house.broker.host}:{house.broker.port}"
        assert "OCSP response: no response sent" in openssl(
            "s_client", "-connect", where, "-status", "-CAfile", house.authority(), "-cert",
            house.state / "admin/admin.crt", "-key", house.state / "admin/admin.key", given="")
        assert "has been revoked" in refusal(house, lamp)
    finally:
        away.rename(key)
        house.broker.restart()
    assert house.serial(lamp) in house.listed()


AUTHORITY = """[ ca ]
default_ca = works
[ works ]
database = {folder}/index.txt
certificate = {folder}/ca.crt
private_key = {folder}/ca.key
default_md = sha256
crlnumber = {folder}/number
"""


class Works(Place):
    """Trusts the CA of a factory, and its list, on a second listener."""

    def build(self, stale="refuse"):
        self.works = self.home / "works"
        self.works.mkdir(exist_ok=True)
        if not (self.works / "ca.crt").exists():
            openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-subj", "/CN=Factory CA", "-days", 2, "-keyout",
                    self.works / "ca.key", "-out", self.works / "ca.crt")
            (self.works / "index.txt").write_text("")
            (self.works / "number").write_text("01\n")
            (self.works / "ca.cnf").write_text(AUTHORITY.format(folder=self.works))
            for name in ("pump", "gone"):
                openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                        "-nodes", "-subj", f"/CN={name}", "-keyout", self.works / f"{name}.key",
                        "-out", self.works / f"{name}.csr")
                openssl("x509", "-req", "-in", self.works / f"{name}.csr", "-CA",
                        self.works / "ca.crt", "-CAkey", self.works / "ca.key", "-days", 1,
                        "-out", self.works / f"{name}.crt")
            self.foreign_port = free_port()
        (self.state / "tacit.conf").write_text(CONFIG.format(shards=1) + f"""
listener "factory" {{
  port = {self.foreign_port}
  client-ca = "{self.works}/ca.crt"
  crl = "{self.works}/ca.crl"
  crl-stale = {stale}
  certificate-role = device
}}
""")

    def revoke_there(self, name):
        openssl("ca", "-config", self.works / "ca.cnf", "-revoke", self.works / f"{name}.crt")

    def publish_there(self, good_for_s):
        """Its next list, whose time is over so many seconds from now."""
        def stamp(at):
            return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(at))
        made = self.works / "new.crl"
        openssl("ca", "-config", self.works / "ca.cnf", "-gencrl", "-crl_lastupdate",
                stamp(time.time() - 86400), "-crl_nextupdate", stamp(time.time() + good_for_s),
                "-out", made)
        made.rename(self.works / "ca.crl")

    def attempt(self, name):
        """None, or what the log says of the handshake."""
        context = self.context_of(self.works / f"{name}.crt", self.works / f"{name}.key")
        before = len(re.findall("no TLS connection", self.broker.log()))
        try:
            one = type(self).client(self, context)
            one.open(name)
            one.close()
            return None
        except (OSError, Closed):
            self.wait_log("no TLS connection", WITHIN_S, before + 1)
            return re.findall(r"no TLS connection.*", self.broker.log())[-1]

    def client(self, context):
        from support.client import RawClient
        return RawClient(self.broker.host, self.foreign_port, tls=context)


def test_lists_of_another_authority():
    """Reloaded without a signal, warned of, and no longer trusted when their time is over."""
    with Works() as place:
        place.broker.stop()
        place.build()
        place.publish_there(3600)
        place.broker.start()
        assert place.attempt("pump") is None and place.attempt("gone") is None
        place.wait_log("goes out of date at", ROUND_S)

        place.revoke_there("gone")
        place.publish_there(3 * 86400)
        place.wait_log("revocation lists read again", ROUND_S)
        assert "certificate revoked" in place.attempt("gone")
        assert place.attempt("pump") is None

        place.publish_there(-60)
        place.wait_log("is out of date since .*refused until a newer one", ROUND_S)
        why = place.attempt("pump")
        assert re.search(r"revocation list of Factory CA is out of date since \d{4}-\d\d-\d\d", why)

        place.build("accept")
        place.broker.reload()
        place.wait_log("configuration read again", ROUND_S)
        assert place.attempt("pump") is None
        assert "certificate revoked" in place.attempt("gone")


# ---- audit --------------------------------------------------------------------------------------


def findings(house, name, *words):
    told = house.told("audit", "devices", *words, code=3)
    assert told["count"] == len(told["findings"])
    return {row["finding"]: row["detail"] for row in told["findings"] if row["device"] == name}


def test_the_audit_finds_each_of_them(house, join, lamp):
    found = findings(house, lamp)
    assert set(found) == {"never-seen", "extractable-key", "pending-token"}, found
    house.run("device", "cancel", lamp)
    join(lamp)
    deadline = time.monotonic() + ROUND_S
    while "never-seen" in findings(house, lamp):
        assert time.monotonic() < deadline, "it was seen, and that is not noted"
        time.sleep(0.2)
    seen = house.told("device", "show", lamp)["seen"]
    assert seen["address"].startswith("127.0.0.1") and seen["first"] <= seen["last"]
    assert set(findings(house, lamp, "--days", 365)) == {"expiring", "extractable-key"}

    now = int(time.time())
    cases = {
        "expired": ("UPDATE identity SET not_after = ? WHERE name = ?", now - 5, lamp),
        "old-algorithm": ("UPDATE identity SET algorithm = 'RSA 2048', protection = ? "
                          "WHERE name = ?", "tpm", lamp),
        "blocked-key": ("INSERT INTO blocked_key SELECT key_sha256, ?, '', 0 FROM identity "
                        "WHERE name = ?", "found in a firmware", lamp),
        "pending-token": ("INSERT INTO token (hash, name, kind, role, created, expires) VALUES "
                          "(printf('%064d', ?), ?, 'device', 'device', 0, 4000000000)", now, lamp),
        "shared-key": ("UPDATE key_use SET name = ? WHERE name = ?", "somebody", lamp),
        "stray": ("INSERT INTO certificate SELECT serial || '00', ?, fingerprint || '00', "
                  "key_sha256 || '00', 0, 4000000000, 0, 0, '' FROM identity WHERE name = ?",
                  f"{lamp}-stray", lamp),
        "no-certificate": ("UPDATE certificate SET revoked = ?, reason = 'superseded' "
                           "WHERE name = ?", now, lamp),
    }
    for finding, statement in cases.items():
        house.sql(*statement)
        name = f"{lamp}-stray" if finding == "stray" else lamp
        assert finding in findings(house, name), finding
    assert "extractable-key" not in findings(house, lamp)
    assert "somebody" in findings(house, lamp)["shared-key"]
    house.sql("UPDATE certificate SET revoked = 0 WHERE name = ?", lamp)
    house.sql("DELETE FROM blocked_key WHERE source = ''")


def test_the_audit_compares_the_list(house, lamp):
    house.run("revoke", lamp, "--reason", "superseded")
    assert "not-on-crl" not in findings(house, lamp)
    published = house.state / "crl/ca.crl"
    old = published.read_bytes()
    other = next(house.names)
    house.add(other, "device")
    house.run("revoke", other, "--reason", "superseded")
    time.sleep(WITHIN_S)
    published.write_bytes(old)
    assert "not-on-crl" in findings(house, other)
    house.run("ca", "crl")
    assert "not-on-crl" not in findings(house, other)


# ---- interrupted --------------------------------------------------------------------------------

DEVICES, KILLS = 12, times(120)
WRONG = {
    "an active device whose certificate is on hold":
        "SELECT i.name FROM identity i JOIN certificate c USING (serial) WHERE i.status = 'active' "
        "AND c.revoked <> 0 AND c.reason <> 'superseded'",
    "a barred device with a good certificate":
        "SELECT i.name FROM identity i JOIN certificate c ON c.name = i.name WHERE "
        "i.status <> 'active' AND c.revoked = 0",
    "a revoked device with a hold":
        "SELECT i.name FROM identity i JOIN certificate c ON c.name = i.name WHERE "
        "i.status IN ('revoked', 'retired') AND c.reason = 'certificate-hold'",
    "a certificate of nobody":
        "SELECT name FROM certificate WHERE name NOT IN (SELECT name FROM identity)",
    "a key of another":
        "SELECT i.name FROM identity i JOIN key_use k USING (key_sha256) WHERE k.name <> i.name",
    "a member that is not there":
        "SELECT device FROM membership WHERE grp = 'killed' AND device NOT IN "
        "(SELECT name FROM identity)",
    "a name that is both":
        "SELECT name FROM identity WHERE name IN (SELECT name FROM former_name)",
}


def test_killed_at_any_moment():
    """kill -9 of the tool, over and over, while tacitd runs and publishes."""
    with Place() as house:
        house.broker.stop()
        (house.state / "tacit.conf").write_text(CONFIG.format(shards=2))
        house.broker.start()
        dice = random.Random(330)
        for number in range(DEVICES):
            house.add(f"k{number}", "device")
            house.sql("INSERT INTO membership VALUES ('killed', ?)", f"k{number}")
        keys = [row[0] for row in house.sql("SELECT key_sha256 FROM identity WHERE name LIKE 'k%'")]
        done = killed = 0
        for turn in range(KILLS):
            key = dice.choice(keys)
            name = house.sql("SELECT name FROM identity WHERE key_sha256 = ?", key)[0][0]
            words = dice.choice([("device", "suspend", name), ("device", "suspend", name),
                                 ("device", "resume", name), ("device", "resume", name),
                                 ("device", "rename", name, f"k{turn}n"),
                                 ("device", "rename", name, f"k{turn}n"),
                                 ("revoke", name, "--reason", "key-compromise")])
            process = house.popen(*words, "--state", house.state)
            time.sleep(dice.uniform(0, 0.025))
            killed += process.poll() is None
            process.kill()
            process.communicate()
            done += process.returncode == 0
            for what, query in WRONG.items():
                rows = house.sql(query)
                assert not rows, f"turn {turn}, {words}: {what}: {rows}"
            if turn % 20 == 19:
                settle(house)
        print(f"{KILLS} commands, {killed} killed under way, {done} ended before")
        assert killed > KILLS / 8 and house.broker.alive()


def settle(house):
    """Within a second the published list says what the registry says."""
    wanted = {row[0] for row in house.sql("SELECT serial FROM certificate WHERE revoked <> 0")}
    deadline = time.monotonic() + WITHIN_S
    while house.listed() != wanted:
        assert time.monotonic() < deadline, (house.listed() ^ wanted, house.broker.log()[-2000:])
        time.sleep(0.02)

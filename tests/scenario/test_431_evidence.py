# SPDX-License-Identifier: Apache-2.0
"""What a record and an alarm say of how somebody came: TLS, cipher, resumption, the print of the
ClientHello, the key, the version of MQTT; and what who was refused says of itself."""

import hashlib
import json
import ssl
import time

import pytest

from support import wire
from support.audit import AuditLog
from support.broker import FOREIGN, TACIT
from support.client import RawClient
from support.hello import first_message, print_of
from support.patience import WITHIN_S, patience
from support.ports import free_port
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

SUITES = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"}
CONFIG = """
log {{ format = json }}
listener "mqtts" {{ client-certificates = optional tls-min = "1.2" }}
listener "plain" {{ address = "127.0.0.1" port = {plain} tls = off passwords = scram }}
enrolment {{ address = "127.0.0.1" port = {enrolment} }}
role "device" {{
  publish   = {{ "devices/%{{device}}/#" }}
  subscribe = {{ "devices/%{{device}}/#" }}
}}
"""


class Home(House):
    def __init__(self):
        self.plain, self.enrolment = free_port(), free_port()
        super().__init__(CONFIG.format(plain=self.plain, enrolment=self.enrolment))
        self.audit = AuditLog(self.state)

    def bait(self, name):
        with self.changing():
            self.tacit("canary", "add", name, "--state", self.state)
        return name

    def alarm(self, name, what, count=1):
        deadline = time.monotonic() + WITHIN_S
        while True:
            told = [event for event in map(json.loads, filter(
                        lambda line: line.startswith('{"'), self.broker.log().splitlines()))
                    if event.get("canary") == name and event.get("what") == what]
            if len(told) >= count:
                return told[-1]
            assert time.monotonic() < deadline, self.broker.log()[-2000:]
            time.sleep(0.005)


@pytest.fixture(scope="module")
def home():
    with Home() as one:
        one.add("lamp", "device")
        yield one


def enter(home, context, name="lamp", version=5, client_id=None):
    client = home.connect(name, version, context=context)
    client.open(client_id or name)
    return client


# ---- records -------------------------------------------------------------------------------------


@pytest.mark.parametrize("version, text", [(5, "5"), (4, "3.1.1"), (3, "3.1")])
def test_a_connect_says_how_it_came(home, version, text):
    context = home.context("lamp")
    client = enter(home, context, version=version, client_id=f"lamp-{version}")
    record = home.audit.wait("connected", client=f"lamp-{version}")
    assert record["tls"] == "TLSv1.3" and record["cipher"] in SUITES
    assert record["resumed"] == "no" and record["protocol"] == text
    assert record["client_hello"] == print_of(first_message(context))
    assert record["key_protection"] == "plain" and record["key_attested"] == "no"
    assert record["listener"] == "mqtts" and record["transport"] == "tls"
    client.leave()


def test_other_settings_have_another_print(home):
    context = home.context("lamp", versions=ssl.TLSVersion.TLSv1_2)
    enter(home, context, client_id="lamp-old").leave()
    record = home.audit.wait("connected", client="lamp-old")
    assert record["tls"] == "TLSv1.2" and record["cipher"].startswith("TLS_ECDHE_")
    assert record["client_hello"] == print_of(first_message(context))
    assert record["client_hello"] != print_of(first_message(home.context("lamp")))


def test_a_resumed_one_has_the_same_print(home):
    context = home.context("lamp")
    first = home.connect("lamp", context=context)
    first.open("lamp-first")
    first.fence()
    session = first.socket.session
    assert session is not None and session.has_ticket
    first.leave()
    again = RawClient(home.broker.host, home.broker.port, 5, tls=context, session=session)
    again.open("lamp-again")
    record = home.audit.wait("connected", client="lamp-again")
    assert record["resumed"] == "yes" and record["key_protection"] == "plain"
    assert record["client_hello"] == home.audit.wait("connected",
                                                     client="lamp-first")["client_hello"]
    again.leave()


def test_who_is_refused_is_quoted_as_a_claim(home):
    claim = 'door"\\\x7f'
    client = home.connect("lamp")
    client.send(wire.connect(5, claim, True))
    assert client.expect(wire.CONNACK).reason == 0x85
    record = home.audit.wait("refused", certificate="lamp")
    assert record["claimed_client"] == claim and "client" not in record
    assert record["tls"] == "TLSv1.3" and record["protocol"] == "5"
    assert record["client_hello"] == print_of(first_message(home.context("lamp")))
    client.close()


def test_a_claim_is_cut(home):
    client = RawClient(home.broker.host, home.plain, 4)
    client.send(wire.connect(4, "x" * 60000, True))
    client.expect(wire.CONNACK, reason=2)
    record = home.audit.wait("refused", listener="plain")
    assert record["claimed_client"] == "x" * 256 and record["cut"] == "yes"
    assert "tls" not in record and record["protocol"] == "3.1.1"
    assert home.audit.verify()["whole"]


def test_a_handshake_that_fails_leaves_its_print(home):
    context = home.context(versions=ssl.TLSVersion.TLSv1_2)
    context.set_ciphers("AES128-SHA256:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        home.connect(None, context=context)
    record = home.audit.wait("handshake-failed", client_hello=print_of(first_message(context)))
    assert "tls" not in record and "cipher" not in record


# ---- canaries ------------------------------------------------------------------------------------


def test_an_alarm_says_with_what_it_came(home):
    name = home.bait("trap")
    context = home.context(name)
    client = home.connect(name, context=context)
    event = home.alarm(name, "handshake")
    assert event["tls"] == "TLSv1.3" and event["cipher"] in SUITES
    assert event["client_hello"] == print_of(first_message(context))
    client.open(name)
    payload = bytes(range(256)) * 3
    client.publish(f"devices/{name}/x", payload, 1)
    deed = home.alarm(name, "publish")
    assert deed["bytes"] == str(len(payload))
    assert deed["sha256"] == hashlib.sha256(payload).hexdigest()
    assert deed["client_hello"] == event["client_hello"]
    client.leave()
    record = home.audit.wait("canary-deed", what="publish", canary=name)
    assert record["sha256"] == deed["sha256"]


def test_the_key_of_a_canary_at_the_enrolment_port(home):
    """The handshake is enough; what is asked for after it is told of besides."""
    name = home.bait("spare")
    context = home.context(name)
    context.set_alpn_protocols(["http/1.1"])
    client = RawClient("127.0.0.1", home.enrolment, 5, tls=context, source="127.0.0.2")
    event = home.alarm(name, "handshake")
    assert event["address"] == "127.0.0.2" and event["tls"] == "TLSv1.3"
    assert event["client_hello"] == print_of(first_message(context))
    client.send(b"POST /.well-known/est/simplereenroll HTTP/1.1\r\nHost: localhost\r\n"
                b"Content-Length: 0\r\n\r\n")
    event = home.alarm(name, "enrolment")
    assert event["client_hello"] == print_of(first_message(context))
    client.close()


def test_honest_keys_at_the_enrolment_port_are_nothing(home):
    before = home.broker.log().count('"canary"')
    client = RawClient("127.0.0.1", home.enrolment, 5, tls=home.context("lamp"))
    client.send(b"GET /.well-known/est/cacerts HTTP/1.1\r\nHost: localhost\r\n\r\n")
    client.fill(time.monotonic() + patience(5))
    client.close()
    assert home.broker.log().count('"canary"') == before

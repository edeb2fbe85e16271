# SPDX-License-Identifier: Apache-2.0
"""Promise I9: whoever uses what nobody uses is told of within a second, with the address, and lands
in a sink that learns what they do, where nobody else is."""

import contextlib
import json
import subprocess
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.client import Closed
from support.patience import WITHIN_S, patience
from support.secure import TOOL_S, House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

THERE = "127.0.0.2"
SECRET = "Correct-Horse 7"
DECOY = "fleet/admin/backup"
KEPT_S = patience(3.0)  # until tacit canary show knows it
CONFIG = """
shards = {shards}
log {{ format = json level = debug }}
limits {{ sys-interval-s = 1 canary-sessions = 20 }}
role "device" {{
  publish   = {{ "devices/%{{device}}/#", "devices/all/#" }}
  subscribe = {{ "devices/%{{device}}/#", "devices/all/#" }}
  retain    = on
  wildcards {{
    prefix = "devices/"  depth = any  most-topics = 1000
    expires = never  owner = "test"  reason = "sees what comes"
  }}
}}
role "panel" {{
  publish   = {{ "devices/#", "fleet/#" }}
  subscribe = {{ "devices/#", "fleet/#", "$SYS/#" }}
  shared    = on
  wildcards {{
    prefix = "devices/"  depth = any  most-topics = 1000
    expires = never  owner = "test"  reason = "watches all"
  }}
  wildcards {{
    prefix = "fleet/"  depth = any  most-topics = 1000
    expires = never  owner = "test"  reason = "watches all"
  }}
}}
listener "mqtts" {{
  port = 8883
  client-certificates = optional
  passwords = on
  client-ids = any
}}
"""


class Trapped(House):
    """A house with bait in it."""

    def __init__(self, shards):
        super().__init__()
        self.count, self.threads = 0, shards

    def __enter__(self):
        super().__enter__()
        self.broker.stop()
        (self.state / "tacit.conf").write_text(CONFIG.format(shards=self.threads))
        self.broker.start()
        self.shards = self.threads
        self.add("panel", "panel")
        self.add("lamp", "device")
        return self

    def new(self, word="trap"):
        self.count += 1
        return f"{word}-{self.count:03}x"  # all of one length

    def canary(self, *arguments, code=0, given=None):
        return self.tacit("canary", *arguments, "--state", self.state, code=code, given=given)

    def bait(self, *more):
        """A device that is a canary: its name."""
        name = self.new()
        with self.changing():
            self.canary("add", name, *more)
        return name

    def account(self):
        name = self.new("clerk")
        with self.changing():
            self.canary("add", name, "--account", given=SECRET + "\n")
        return name

    @contextlib.contextmanager
    def decoy(self, topic=DECOY):
        name = self.new("decoy")
        with self.changing():
            self.canary("add", name, "--topic", topic)
        yield name
        with self.changing():
            self.canary("remove", name)

    # -- what is told ----------------------------------------------------------------------------

    def told(self, name, what=None):
        found = []
        for line in self.broker.log().splitlines():
            if line.startswith("{") and '"canary' in line:
                event = json.loads(line)
                if event.get("canary") == name and what in (None, event["what"]):
                    found.append(event)
        return found

    def alarm(self, name, what, count=1):
        """Within a second from now."""
        deadline = time.monotonic() + WITHIN_S
        while len(self.told(name, what)) < count:
            assert time.monotonic() < deadline, f"no {what} of {name}:\n{self.broker.log()[-2000:]}"
            time.sleep(0.005)
        return self.told(name, what)[-1]

    def shown(self, name, *whats):
        """What tacit canary show says was done, once all of that is there."""
        deadline = time.monotonic() + KEPT_S
        while True:
            answer = json.loads(self.canary("show", name, "--json", code=None).stdout)
            rows = {row["what"]: row for row in answer["did"]}
            if set(whats) <= set(rows):
                return answer, rows
            assert time.monotonic() < deadline, answer
            time.sleep(0.05)

    # -- who comes -------------------------------------------------------------------------------

    def come(self, name, version=5, source=THERE, client_id=None, clean=True, **more):
        client = self.connect(name, version, source=source)
        return client.open(name if client_id is None else client_id, clean, **more)

    def log_in(self, name, password=SECRET, version=5, **more):
        client = self.connect(None, version, context=self.context(), source=THERE)
        client.send(wire.connect(version, name, username=name, password=password.encode(), **more))
        return client


@pytest.fixture(scope="module", params=[1, 3], ids=lambda n: f"shards{n}")
def house(request):
    with Trapped(request.param) as one:
        yield one


@pytest.fixture
def panel(house):
    """Sees everything that is published for real."""
    one = house.come("panel", client_id=house.new("panel"))
    one.subscribe("devices/#")
    yield one
    one.close()


def seen_by(house, panel):
    """All that came to the panel until now: an honest message is behind it."""
    mark = house.new("mark").encode()
    lamp = house.come("lamp", client_id=house.new("lamp"))
    lamp.publish("devices/lamp/mark", mark, qos=1)
    lamp.leave()
    topics = []
    while True:
        packet = panel.message()
        if packet.payload == mark:
            return topics
        topics.append(packet.topic)


# -- the certificate ------------------------------------------------------------------------------


def test_a_handshake_is_enough(house):
    name = house.bait("--text", "in the image of 2.1")
    client = house.connect(name, source=THERE)
    event = house.alarm(name, "handshake")
    assert event["address"].startswith(THERE + ":") and event["level"] == "error"
    assert event["certificate"] == name and event["event"] == "canary"
    client.close()
    answer, did = house.shown(name, "handshake")
    assert did["handshake"]["address"] == THERE and did["handshake"]["count"] == 1
    assert answer["note"] == "in the image of 2.1" and answer["last_address"] == THERE
    assert "connect" not in did


def test_one_that_was_made_a_moment_ago(house, panel):
    """No shard has read the registry since."""
    name = house.new()
    house.canary("add", name)
    client = house.come(name)
    house.alarm(name, "handshake")
    client.publish(f"devices/{name}/x", qos=1)
    house.alarm(name, "connect")
    client.leave()
    assert seen_by(house, panel) == []
    house.settle()


@pytest.mark.parametrize("version", [3, 4, 5])
def test_the_session_is_a_sink(house, panel, version):
    name = house.bait()
    will = wire.Will(f"devices/{name}/will", b"gone", 1, True)
    client = house.come(name, version, will=will)
    assert house.alarm(name, "connect")["client"] == name
    news = f"devices/all/{name}"
    client.subscribe(f"devices/{name}/#", news, qos=1)
    assert house.alarm(name, "subscribe", 2)["topic"] == news
    for qos in (0, 1, 2):
        client.publish(f"devices/{name}/state", b"12345", qos=qos, retain=True)
        packet = client.message(topic=f"devices/{name}/state", payload=b"12345")
        assert packet.qos == min(qos, 1)
    assert house.alarm(name, "publish", 3)["bytes"] == "5"
    lamp = house.come("lamp", client_id=house.new("lamp"))
    lamp.publish(news, b"for all", qos=1)
    lamp.leave()
    client.expect_nothing()
    client.drop()
    house.alarm(name, "left")
    topics = seen_by(house, panel)
    assert topics == [news], "nothing of the intruder, his will least of all"
    late = house.come("panel", client_id=house.new("panel"))
    late.subscribe(f"devices/{name}/#")
    late.expect_nothing()
    late.leave()
    _, did = house.shown(name, "handshake", "connect", "subscribe", "publish", "will", "left")
    assert did["publish"]["count"] == 3 and did["publish"]["bytes"] == 15
    assert did["publish"]["client"] == name and did["will"]["topic"] == f"devices/{name}/will"


@pytest.mark.parametrize("version", [4, 5])
def test_it_looks_like_any_other(house, version):
    """The answers to one and the other differ in nothing but the name."""
    name, honest = house.bait(), house.new("lamp")
    house.add(honest, "device")
    talks = []
    for who in (name, honest):
        client = house.come(who, version, keepalive=30,
                            props=[("request_response_info", 1)] if version == 5 else ())
        connack, talk = client.connack, []
        client.send(wire.subscribe(version, 1, (f"devices/{who}/x", 2), ("#", 0),
                                   ("devices/other/x", 1)),
                    wire.publish(version, f"devices/{who}/y", b"1", 1, 2),
                    wire.publish(version, "devices/other/y", b"1", 1, 3),
                    wire.publish(version, f"devices/{who}/x", b"2", 2, 4),
                    wire.ack(version, wire.PUBREL, 4), wire.pingreq())
        while not talk or talk[-1].kind != wire.PINGRESP:
            talk.append(client.receive())
        talks.append([packet.raw.replace(who.encode(), b"*" * len(who))
                      for packet in (connack, *talk)])
        client.leave()
    assert len(name) == len(honest)
    assert talks[0] == talks[1]


def test_the_session_goes_on_in_the_sink(house):
    name = house.bait()
    more = {"props": [("session_expiry", 600)]}
    client = house.come(name, clean=False, **more)
    assert not client.connack.session_present
    client.subscribe(f"devices/{name}/x", qos=1)
    client.drop()
    house.alarm(name, "left")
    client = house.come(name, clean=False, **more)
    assert client.connack.session_present
    client.publish(f"devices/{name}/x", b"again", qos=1)
    client.message(payload=b"again")
    client.leave()
    dump = house.tacit("store", "dump", "--state", house.state).stdout
    assert name not in dump, "nothing of it is on disk"


def test_a_stolen_client_id_takes_nothing_over(house):
    """The sink has client identifiers of its own."""
    name = house.bait()
    honest = house.come("lamp", client_id="kitchen")
    honest.subscribe("devices/lamp/x")
    thief = house.come(name, client_id="kitchen")
    assert house.alarm(name, "connect")["client"] == "kitchen"
    honest.publish("devices/lamp/x", b"still here", qos=1)
    honest.message(payload=b"still here")
    thief.expect_nothing()
    honest.leave()
    thief.publish(f"devices/{name}/x", qos=1)
    thief.leave()


def test_one_key_in_two_places_is_no_clone(house):
    """Intruders share what they found."""
    name = house.bait()
    one = house.come(name, client_id=house.new("thief"))
    other = house.come(name, client_id=house.new("thief"), source="127.0.0.3")
    house.alarm(name, "connect", 2)
    one.expect_nothing()
    other.expect_nothing()
    one.leave()
    other.leave()
    assert not [line for line in house.broker.log().splitlines()
                if '"event":"clone"' in line and name in line]


def test_a_revoked_one_is_refused_and_told_of(house):
    name = house.bait()
    with house.changing():
        house.tacit("device", "revoke", name, "--state", house.state)
    client = house.connect(name, source=THERE)
    try:
        client.send(wire.connect(5, name))
        client.expect(wire.CONNACK, reason=0x87)
    except Closed:
        pass
    house.alarm(name, "handshake")
    client.close()
    assert not house.told(name, "connect")


# -- accounts -------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [4, 5])
def test_an_account(house, panel, version):
    name = house.account()
    client = house.log_in(name, version=version)
    assert house.alarm(name, "tried")["address"].startswith(THERE + ":")
    client.expect(wire.CONNACK, reason=0)
    house.alarm(name, "connect")
    client.publish(f"devices/{name}/x", b"1", qos=1)
    assert house.alarm(name, "publish")["topic"] == f"devices/{name}/x"
    client.leave()
    assert seen_by(house, panel) == []


def test_a_wrong_password_is_refused_as_any_other_and_told_of(house):
    name = house.account()
    client = house.log_in(name, "guessed")
    answer = client.expect(wire.CONNACK, reason=0x86)
    other = house.log_in(house.new("nobody"), "guessed").expect(wire.CONNACK, reason=0x86)
    assert answer.raw == other.raw
    house.alarm(name, "tried")
    assert not house.told(name, "connect")


def test_scram_with_its_name(house):
    name = house.account()
    client = house.connect(None, context=house.context(), source=THERE)
    client.send(wire.connect(5, name, props=[("auth_method", "SCRAM-SHA-256"),
                                             ("auth_data", f"n,,n={name},r=abcdef".encode())]))
    client.expect(wire.AUTH)
    house.alarm(name, "tried")
    client.close()


# -- tokens ---------------------------------------------------------------------------------------


def test_a_token(house, tmp_path):
    name = house.new("spare")
    with house.changing():
        offer = json.loads(house.canary("add", name, "--token-only", "--json", "--port",
                                        house.broker.port).stdout)
    words = offer["command"].split()[1:]
    environment = {**house.environment, "HOME": str(tmp_path),
                   "XDG_CONFIG_HOME": str(tmp_path / ".config")}
    subprocess.run([str(TACIT), *words, "--key-store", "file"], env=environment, check=True,
                   timeout=TOOL_S, capture_output=True)
    assert house.alarm(name, "enrolment")["address"] == "127.0.0.1"
    profile = json.loads((tmp_path / f".config/tacit/profiles/{name}.json").read_text())
    context = house.context()
    context.load_cert_chain(profile["certificate_file"], profile["key_file"])
    client = house.connect(name, context=context, source=THERE).open(name)
    assert house.alarm(name, "connect")["address"].startswith(THERE)
    client.leave()


# -- decoys ---------------------------------------------------------------------------------------


def test_a_decoy_topic(house):
    with house.decoy() as name:
        one = house.come("panel", client_id=house.new("panel"))
        one.subscribe(DECOY, qos=1)
        event = house.alarm(name, "decoy-subscribe")
        assert event["address"].startswith(THERE) and event["device"] == "panel"
        for count in (1, 2, 3):
            one.publish(DECOY, b"123", qos=1)
            one.message(topic=DECOY, payload=b"123")
            event = house.alarm(name, "decoy-publish", count)
        assert event["bytes"] == "3" and event["role"] == "panel" and event["topic"] == DECOY
        one.leave()
        lamp = house.come("lamp", client_id=house.new("lamp"))
        lamp.subscribe(DECOY, reasons=[0x87])
        lamp.publish(DECOY, b"1", qos=1, reason=0x87)
        assert house.alarm(name, "decoy-subscribe", 2)["reason"] == "0x87"
        assert house.alarm(name, "decoy-publish", 4)["device"] == "lamp"
        lamp.leave()
        _, did = house.shown(name, "decoy-publish", "decoy-subscribe")
        assert did["decoy-publish"]["topic"] == DECOY
    one = house.come("panel", client_id=house.new("panel"))
    one.publish(DECOY, qos=1)
    one.leave()
    assert len(house.told(name, "decoy-publish")) == 4


def test_who_watches_a_lot_is_not_told_of(house):
    with house.decoy("fleet/vault/#") as name:
        one = house.come("panel", client_id=house.new("panel"))
        one.subscribe("fleet/#")
        one.subscribe("fleet/vaults/x")
        one.publish("fleet/vaults", qos=1)
        one.subscribe("$share/group/fleet/vault/a/#")
        house.alarm(name, "decoy-subscribe")
        one.publish("fleet/vault/a/b", qos=0)
        house.alarm(name, "decoy-publish")
        will = wire.Will("fleet/vault/will")
        two = house.come("panel", client_id=house.new("panel"), will=will)
        house.alarm(name, "decoy-will")
        one.fence()
        one.leave()
        two.leave()
        assert len(house.told(name)) == 3


# -- the life of one ------------------------------------------------------------------------------


def test_they_survive_a_restart(house):
    name = house.bait()
    with house.decoy() as decoy:
        client = house.come(name)
        house.alarm(name, "connect")
        house.broker.stop()
        client.close()
        assert "connect" in house.shown(name, "connect")[1], "not lost at the end"
        house.broker.start()
        client = house.come(name)
        house.alarm(name, "connect")
        client.leave()
        one = house.come("panel", client_id=house.new("panel"))
        one.publish(DECOY, qos=1)
        house.alarm(decoy, "decoy-publish")
        one.leave()
    deadline = time.monotonic() + KEPT_S
    while house.shown(name, "connect")[1]["connect"]["count"] < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_one_that_is_removed(house):
    name, clerk = house.bait(), house.account()
    inside = house.come(name)
    house.alarm(name, "connect")
    with house.changing():
        house.canary("remove", name)
    inside.expect_refusal(0x98, timeout=patience(2))
    with house.changing():
        house.canary("remove", clerk)
    client = house.log_in(clerk)
    client.expect(wire.CONNACK, reason=0x86)
    told = len(house.told(name))
    client = house.connect(name)
    with contextlib.suppress(Closed):
        client.send(wire.connect(5, name))
        client.expect(wire.CONNACK, reason=0x87)
    client.close()
    assert len(house.told(name)) == told and not house.told(clerk)
    house.canary("show", name, code=1)
    house.canary("add", name, code=1)


def test_nobody_real_becomes_one(house):
    done = house.canary("add", "lamp", code=1)
    assert "real" in done.stderr
    honest = house.come("lamp", client_id=house.new("lamp"))
    honest.publish("devices/lamp/x", qos=1)
    honest.leave()
    assert not house.told("lamp")


def test_the_sink_is_bounded(house):
    """limits.canary-sessions"""
    name, inside, refused = house.bait(), [], 0
    for _ in range(24):
        client = house.connect(name, source=THERE)
        try:
            inside.append(client.open(house.new("thief"), reason=0))
        except (Closed, AssertionError):
            refused += 1
            client.close()
    assert refused >= 4 and inside
    honest = house.come("lamp", client_id=house.new("lamp"))
    honest.publish("devices/lamp/x", qos=1)
    honest.leave()
    house.alarm(name, "handshake", 24)
    for client in inside:
        client.leave()


def test_a_flood_in_the_sink_is_counted(house):
    """The log has a part of it, the record all that it has room for."""
    name = house.bait()
    client = house.come(name)
    for i in range(300):
        client.send(wire.publish(5, f"devices/{name}/same", b"x"))
    client.expect_nothing()
    client.leave()
    deadline = time.monotonic() + KEPT_S
    while house.shown(name, "publish")[1]["publish"]["count"] < 300:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert len(house.told(name, "publish")) < 300
    assert house.told(name, "connect")


def test_the_counter(house):
    name = house.bait()
    one = house.come("panel", client_id=house.new("panel"))
    one.subscribe("$SYS/broker/canary/alarms")
    before = int(one.message().payload)
    house.connect(name).close()
    house.alarm(name, "handshake")
    while int(one.message(timeout=patience(5)).payload) <= before:
        pass
    one.leave()


# -- the tool -------------------------------------------------------------------------------------


def test_the_list(house):
    name = house.bait("--text", "in a wiki")
    rows = {row["name"]: row for row in json.loads(house.canary("list", "--json").stdout)}
    assert rows[name]["kind"] == "device" and rows[name]["uses"] == 0
    assert rows[name]["last"] is None and rows[name]["note"] == "in a wiki"
    assert name in house.canary("list").stdout
    assert "uses     0" in house.canary("show", name).stdout
    house.connect(name).close()
    house.shown(name, "handshake")
    assert "handshake" in house.canary("show", name, code=3).stdout


def test_what_the_tool_refuses(house):
    house.canary("add", code=2)
    house.canary("add", "a b", code=2)
    house.canary("add", "x", "--topic", "a/+/b", code=2)
    house.canary("add", "x", "--topic", "a", "--account", code=2)
    house.canary("add", "x", "--topic", "a", "--role", "device", code=2)
    assert "did you mean 'device'" in house.canary("add", "x", "--role", "devise", code=1).stderr
    house.canary("show", "x", code=1)
    house.canary("remove", "x", code=1)
    assert "Bait for intruders" in house.tacit("canary", "--help").stdout
    # What could not be made is not marked.
    house.canary("add", "x", "--account", "--password-file", "/nonexistent", code=2)
    house.canary("show", "x", code=1)
    house.settle()

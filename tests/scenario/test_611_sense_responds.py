# SPDX-License-Identifier: Apache-2.0
"""What a live broker does about what it finds: who floods is read slowly, who reaches for what is not
his is in quarantine, for a time, across restarts, until somebody says otherwise; nobody is, because
of what others do in his name."""

import contextlib
import json
import ssl
import time

import pytest

from support import wire
from support.audit import AuditLog
from support.broker import FOREIGN, TACIT
from support.client import Closed
from support.fleet import FLEET, PERIOD_S, Fleet
from support.patience import WITHIN_S, patience
from support.secure import House

pytestmark = [pytest.mark.one_shard,
              pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")]

CONFIG = """
shards = 1
sense {{ mode = {mode} learn = 1s shape = 1s prove = 1s quarantine-for = {time} }}
limits {{ sense-window-ms = 50 sense-quarantine-percent = 100 }}
role "device" {{
  publish   = {{ "devices/%{{device}}/#" }}
  subscribe = {{ "devices/%{{device}}/#" }}
}}
role "pillar" {{
  publish   = {{ "devices/%{{device}}/#" }}
  sense     = alert-only
}}
role "panel" {{
  subscribe = {{ "devices/#" }}
  wildcards {{ prefix = "devices/" depth = any most-topics = 100 expires = never owner = "tests" reason = "sees all" }}
  sense     = off
}}
listener "mqtts" {{
  port = 8883
  client-certificates = required
}}
"""
THIEF = "127.0.0.2"


def configure(house, mode, time="1h"):
    (house.state / "tacit.conf").write_text(CONFIG.format(mode=mode, time=time))


@pytest.fixture(scope="module")
def house():
    with House() as one:
        one.broker.stop()
        configure(one, "respond")
        one.broker.start()
        yield one


@pytest.fixture(scope="module")
def fleet(house):
    one = Fleet(house)
    one.learn()
    yield one
    one.close()


@pytest.fixture(scope="module")
def audit(house):
    return AuditLog(house.state)


def until(fleet, found, act, what, seconds=40.0):
    """Acts, and lets the others report, until something was found, which is returned."""
    deadline = time.monotonic() + patience(seconds)
    while True:
        result = found()
        if result:
            return result
        assert time.monotonic() < deadline, f"{what}:\n{sense(fleet.house, 'events').stdout[-6000:]}"
        act()
        for name in fleet.clients:
            with contextlib.suppress(Closed, OSError):
                fleet.say(name)
        time.sleep(PERIOD_S)


def respond_to(fleet, audit, name, action, act, kind="sense-response", seconds=40.0):
    """Acts as that device until it is answered so; the record of it."""
    def found():
        return audit.records(kind, action=action, device=name)

    before = len(found())
    return until(fleet, lambda: found()[before:], act, f"no {action} of {name}", seconds)[0]


def answers(client, kind, seconds):
    """Whether such a packet comes in time; what comes before it is passed over."""
    deadline = time.monotonic() + seconds
    with contextlib.suppress(TimeoutError):
        while client.receive(max(0.001, deadline - time.monotonic())).kind != kind:
            pass
        return True
    return False


def scan(fleet, name):
    """Asks for what belongs to others."""
    count = iter(range(1, 60000))

    def act():
        with contextlib.suppress(Closed, OSError):
            for _ in range(8):
                number = next(count)
                fleet.clients[name].send(wire.subscribe(5, number, (f"plant/{number}/#", 0)))
    return act


def quarantine(fleet, audit, names, kind="sense-response"):
    """One of them, and the record of it. On a busy machine all are held up now and then; whoever is told
    of with others in that moment is left alone, so there are some to try, each after calm seconds."""
    for name in names:
        since = time.monotonic()
        fleet.report_until(lambda since=since: time.monotonic() > since + 4.0, 60.0, "no time passes")
        try:
            return name, respond_to(fleet, audit, name, "quarantine", scan(fleet, name), kind, 8.0)
        except AssertionError:
            if name == names[-1]:
                raise
    raise AssertionError("nobody to try")


def shown(house, device):
    return json.loads(house.tacit("device", "show", device, "--json", "--state",
                                  house.state).stdout)


def sense(house, *words, code=0):
    return house.tacit("sense", *words, "--state", house.state, code=code)


def test_a_flood_is_read_slowly_until_undone(house, fleet, audit):
    name = FLEET[0]
    record = respond_to(fleet, audit, name, "throttle", lambda: fleet.say(name, 200))
    assert record["done"] == "yes" and record["verdict"] == "attacking"
    assert record["undo"] == f"tacit sense undo {name}"
    assert any(value.startswith("publishes: ") for key, value in record.items()
               if key.startswith("reason_"))
    rate, seconds = int(record["bound"].split()[0]), int(record["bound"].split()[3])
    # So many more than it may say at once have to wait.
    flooder = fleet.clients[name]
    fleet.say(name, 3 * rate)
    since = time.monotonic()
    flooder.send(wire.publish(5, f"devices/{name}/t", b"last", 1, 77))
    until(fleet, lambda: answers(flooder, wire.PUBACK, 0.01), lambda: None,
          "the last one is not taken")
    assert time.monotonic() - since > seconds
    undone = json.loads(sense(house, "undo", name, "--for", "1h", "--json").stdout)
    assert (undone["state"], undone["was_held"]) == ("pardoned", False)
    audit.wait("administration", command="tacit sense undo", names=name)
    # Nothing is done about it any more, however much it says.
    lifted = until(fleet, lambda: audit.records("sense-response", action="lift", device=name),
                   lambda: None, "it is still read slowly")
    assert lifted[0]["done"] == "yes"
    before = len(audit.records("sense-response", device=name))
    for _ in range(20):
        fleet.say(name, 100)
        time.sleep(PERIOD_S)
    assert len(audit.records("sense-response", device=name)) == before


def test_who_reaches_for_more_is_in_quarantine(house, fleet, audit):
    house.add("panel", "panel")
    panel = house.connect("panel").open("panel")
    panel.subscribe("devices/#")
    name, record = quarantine(fleet, audit, [FLEET[1], FLEET[5], FLEET[6]])
    fleet.held = name
    assert record["done"] == "yes" and record["undo"] == f"tacit sense undo {name}"
    assert record["until"] > "2026" and record["until"].endswith("Z")
    assert any(value.startswith("denied_subscribes: ") for key, value in record.items()
               if key.startswith("reason_"))
    audit.wait("held", device=name)
    held = fleet.clients.pop(name)
    held.send(wire.publish(5, f"devices/{name}/t", b"secret", 1, 9), wire.pingreq())
    assert answers(held, wire.PINGRESP, patience(5.0))
    fleet.say(FLEET[2])
    while True:
        packet = panel.message()
        assert packet.payload != b"secret"
        if packet.topic.startswith(f"devices/{FLEET[2]}/"):
            break
    house.wait(rf"{name}.* is in quarantine until", 1, WITHIN_S)
    until(fleet, lambda: "held" in shown(house, name), lambda: None, "the registry is not told")
    held_as = shown(house, name)["held"]
    assert held_as["kind"] == "behaviour" and "refused subscriptions" in held_as["why"]
    panel.close()


def test_it_outlives_a_restart_until_it_is_released(house, fleet, audit):
    name = fleet.held
    del audit
    house.broker.stop()
    house.broker.start()
    fleet.return_all()
    held = house.connect(name)
    held.send(wire.connect(5, name, True))
    held.expect(wire.CONNACK, reason=0)
    held.send(wire.publish(5, f"devices/{name}/t", b"1", 1, 9))
    held.expect_nothing()
    assert sense(house, "release", name).stdout.startswith(f"{name} is released")
    held.expect_refusal(0x98)
    free = house.connect(name).open(name)
    free.publish(f"devices/{name}/t", b"1", qos=1)
    free.close()
    assert sense(house, "release", name).stdout == f"{name} is not in quarantine\n"
    fleet.enter(name)


def test_quarantine_by_hand_ends_by_itself(house, fleet):
    name = FLEET[2]
    client = fleet.clients.pop(name)
    with house.changing():
        sense(house, "quarantine", name, "--for", "2s", "--reason", "looks odd")
    client.expect_nothing()
    assert shown(house, name)["held"]["why"] == "looks odd"
    client.expect_refusal(0x98, timeout=patience(6.0))
    assert "held" not in shown(house, name)
    fleet.enter(name)


def test_a_clone_goes_before(house):
    name = "twin"  # nobody of the fleet: its connection would end with the hold
    house.add(name, "device")
    house.sql("INSERT INTO hold (name, since, why) VALUES (?, 1, 'seen twice')", name)
    for words in (("undo",), ("quarantine",), ("release",)):
        assert "tacit device release" in sense(house, *words, name, code=3).stderr
    assert shown(house, name)["held"]["kind"] == "clone"
    house.tacit("device", "release", name, "--state", house.state)
    assert sense(house, "undo", "nobody", code=1).stderr
    assert "write a time" in sense(house, "undo", name, "--for", "ever", code=2).stderr


def test_strangers_cannot_have_a_victim_punished(house, fleet, audit):
    """Whoever fails under a name, floods with it, or asks in it for what it may not have, without
    its key: the name's owner goes on as before."""
    victim = FLEET[3]
    before = len(audit.records("sense-response", device=victim))

    def pretend():
        for version in (4, 5):
            with contextlib.suppress(ssl.SSLError, Closed, OSError):
                stranger = house.connect(None, context=house.context(), source=THIEF)
                stranger.send(wire.connect(version, victim, True, username=victim),
                              wire.subscribe(version, 1, ("#", 0)),
                              wire.publish(version, f"devices/{victim}/t", b"x" * 100) * 50)
                stranger.receive(patience(0.2))

    until(fleet, lambda: audit.records("sense-source", of="source"), pretend, "nobody saw it")
    for _ in range(20):
        pretend()
        fleet.say(victim)
        time.sleep(PERIOD_S)
    assert len(audit.records("sense-response", device=victim)) == before
    assert "held" not in shown(house, victim)
    client = fleet.clients[victim]
    client.send(wire.publish(5, f"devices/{victim}/t", b"1", 1, 9))
    assert answers(client, wire.PUBACK, patience(5.0))


def test_a_dry_run_says_what_it_would_do(house, fleet, audit):
    configure(house, "dry-run")
    with house.changing():
        house.broker.reload()
    name, record = quarantine(fleet, audit, [FLEET[4], FLEET[7], FLEET[8]], "sense-dry-run")
    assert record["done"] == "no" and "undo" not in record
    house.wait(rf"{name}.* would be in quarantine until", 1, WITHIN_S)
    assert "held" not in shown(house, name)
    client = fleet.clients[name]
    client.send(wire.publish(5, f"devices/{name}/t", b"1", 1, 9))
    assert answers(client, wire.PUBACK, patience(5.0))
    told = sense(house, "dry-run", "--device", name).stdout
    assert "sense-dry-run" in told and "action=quarantine" in told
    assert "sense-response" not in told

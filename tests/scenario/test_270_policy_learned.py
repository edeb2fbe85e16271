# SPDX-License-Identifier: Apache-2.0
"""U2: what is learned from observed traffic is what tacitd does: a predicted refusal is a real one,
a suggested role lets the same traffic pass, and a grant that is called unused was not used."""

import json
import re
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.client import RawClient
from support.patience import patience
from support.ports import free_port
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")

HEAD = """
shards = 2
listener "mqtts" {
  port = 8883
  client-ids = any
}
limits {
  topic-levels = 100 # kept by a suggestion
}
"""
LAMP = """
role "lamp" {
  publish   = { "devices/%{device}/state", "devices/%{device}/telemetry/#", "spare/lamp" }
  subscribe = { "devices/%{device}/set", "news" }
  retain    = on
}
"""
PANEL = """
role "panel" {
  publish   = { "devices/+/set", "news" }
  subscribe = { "devices/#", "work/+" }
  shared    = on
  retain    = on
  wildcards {
    prefix = "devices/"
    depth = any
    most-topics = 1000
    expires = never
    owner = "olga"
    reason = "the wall"
  }
  wildcards {
    prefix = "work/"
    depth = 1
    most-topics = 1000
    expires = never
    owner = "olga"
    reason = "nobody used it"
  }
}
"""
TENANT = """
role "tenant" {
  publish   = { "rooms/%{site}/%{device}/on", "rooms/%{site}/%{device}/off" }
  subscribe = { "rooms/%{site}/#", "news" }
  wildcards {
    prefix = "rooms/%{site}/"
    depth = 2
    most-topics = 50
    expires = never
    owner = "tim"
    reason = "the rooms"
  }
}
"""
IDLE = """
role "idle" {
  publish = { "idle/%{device}" }
}
"""
ROLES = LAMP + PANEL + TENANT + IDLE

# device, action, topic; a topic of a subscription may be shared.
TRAFFIC = [
    ("lamp1", "publish", "devices/lamp1/state"),
    ("lamp1", "publish", "devices/lamp1/telemetry/power/now"),
    ("lamp1", "subscribe", "devices/lamp1/set"),
    ("lamp1", "subscribe", "devices/lamp2/set"),  # refused
    ("lamp2", "publish", "devices/lamp2/state"),
    ("lamp2", "publish", "devices/lamp1/state"),  # refused
    ("lamp2", "subscribe", "news"),
    ("lamp3", "publish", "devices/lamp3/telemetry/power"),
    ("panel", "publish", "devices/lamp1/set"),
    ("panel", "publish", "devices/lamp2/set"),
    ("panel", "publish", "news"),
    ("panel", "subscribe", "devices/+/state"),
    ("panel", "subscribe", "devices/lamp3/#"),
    ("panel", "subscribe", "#"),  # refused
    ("panel", "subscribe", "$share/crew/work/1"),
    ("room1", "publish", "rooms/east/room1/on"),
    ("room1", "subscribe", "rooms/east/+/on"),
    ("room1", "subscribe", "$share/crew/rooms/east/+/off"),  # refused: not shared
    ("room2", "publish", "rooms/west/room2/on"),
    ("room2", "subscribe", "rooms/west/room2/on"),
    ("room2", "subscribe", "$SYS/broker/uptime"),  # refused
]
DEVICES = {"lamp1": "lamp", "lamp2": "lamp", "lamp3": "lamp", "panel": "panel",
           "room1": "tenant", "room2": "tenant", "lazy": "idle"}
PLACES = {"room1": ("acme", "east"), "room2": ("acme", "west")}
RETAINED = {"news", "devices/lamp3/telemetry/power"}


class Town(House):
    """A house with the devices of the traffic."""

    def __init__(self):
        super().__init__()
        self.conf = self.state / "tacit.conf"

    def write(self, text):
        self.conf.write_text(text)

    def populate(self):
        for name, role in DEVICES.items():
            tenant, site = PLACES.get(name, (None, None))
            more = ("--tenant", tenant, "--site", site) if tenant else ()
            self.tacit("device", "add", name, "--role", role, "--state", self.state, "--host",
                       "localhost", "--port", self.broker.port, *more)

    def play(self, traffic=None):
        """The traffic; what was refused of it. Who is not let in is refused all."""
        refused = set()
        clients = {name: self.let_in(name) for name in DEVICES}
        for name, action, topic in traffic or TRAFFIC:
            if clients[name] is None or not self.try_it(clients[name], action, topic):
                refused.add((name, action, topic))
        for one in clients.values():
            if one is not None:
                one.close()
        return refused

    def let_in(self, name):
        client = self.connect(name)
        client.send(wire.connect(5, name))
        if client.expect(wire.CONNACK).reason == 0:
            return client
        client.close()
        return None

    @staticmethod
    def try_it(client, action, topic):
        packet_id = client.packet_id()
        if action == "publish":
            client.send(wire.publish(5, topic, b"x", 1, packet_id, retain=topic in RETAINED))
            return client.take(wire.PUBACK).reason < 0x80
        client.send(wire.subscribe(5, packet_id, (topic, 0)))
        return client.take(wire.SUBACK).reasons[0] < 0x80

    def policy(self, *arguments, code=0):
        done = self.tacit("policy", *arguments, "--state", self.state, "--json", code=code)
        return json.loads(done.stdout)

    def replay(self, text, code=None):
        new = self.state / "new.conf"
        new.write_text(text)
        return self.policy("replay", new, code=code)


def told(change):
    """As the traffic says it; which group it was shared in is not recorded."""
    return change["device"], change["action"], change["topic"], change["shared"]


def untold(refused):
    out = set()
    for name, action, topic in refused:
        shared = topic.startswith("$share/")
        out.add((name, action, topic.split("/", 2)[2] if shared else topic, shared))
    return out


@pytest.fixture(scope="module")
def town():
    with Town() as one:
        one.broker.stop()
        one.write(HEAD + ROLES)
        one.broker.start()
        one.populate()
        one.baseline = one.play()
        one.broker.restart()
        one.recorded = (one.state / "learning/observed").read_text()
        yield one


@pytest.fixture
def place(town):
    yield town
    town.write(HEAD + ROLES)
    town.sql("UPDATE identity SET role = 'lamp' WHERE name = 'lamp2'")
    if town.broker.alive():
        town.broker.stop()
    (town.state / "learning/observed").write_text(town.recorded)
    town.broker.start()


def test_the_traffic_is_what_it_says(town):
    assert untold(town.baseline) == {
        ("lamp1", "subscribe", "devices/lamp2/set", False),
        ("lamp2", "publish", "devices/lamp1/state", False),
        ("panel", "subscribe", "#", False),
        ("room1", "subscribe", "rooms/east/+/off", True),
        ("room2", "subscribe", "$SYS/broker/uptime", False)}


CHANGES = {
    "a grant removed": LAMP.replace('"devices/%{device}/state", ', "") + PANEL + TENANT + IDLE,
    "a denial added": LAMP.replace("retain ", 'deny-publish = { "devices/+/telemetry/power/#" }\n retain ')
                      + PANEL + TENANT + IDLE,
    "a pattern narrowed": LAMP + PANEL.replace('"devices/+/set"', '"devices/lamp1/set"') + TENANT + IDLE,
    "a scope removed": LAMP + re.sub(r"(?s)wildcards \{\s+prefix = .devices.*?\}", "", PANEL) + TENANT + IDLE,
    "a scope less deep": LAMP + PANEL.replace("depth = any", "depth = 2") + TENANT + IDLE,
    "a tenant's scope removed": LAMP + PANEL + re.sub(r"(?s)wildcards \{.*?\n  \}", "", TENANT) + IDLE,
    "another name substituted": LAMP + PANEL + TENANT.replace("%{site}", "%{device}") + IDLE,
    "a role removed": LAMP + PANEL + IDLE,
    "sharing not granted": LAMP + PANEL.replace("shared    = on", "") + TENANT + IDLE,
    "sharing granted": LAMP + PANEL + TENANT.replace("{\n", "{\n  shared = on\n", 1) + IDLE,
    "more granted": LAMP.replace("%{device}/state", "+/state").replace('"news" }', '"news", "devices/+/set" }')
                    + PANEL + TENANT + IDLE,
    "all at once": IDLE,
}


@pytest.mark.parametrize("change", list(CHANGES))
def test_predicted_refusals_are_the_real_ones(place, change):
    new = HEAD + CHANGES[change]
    answer = place.replay(new)
    predicted = {told(one) for one in answer["changes"] if one["then"] == "refused"}
    gained = {told(one) for one in answer["changes"] if one["now"] == "refused"}
    assert {one["now"] for one in answer["changes"]} | {one["then"] for one in answer["changes"]} \
        <= {"allowed", "refused"}
    before = untold(place.baseline)
    place.write(new)
    place.broker.restart()
    real = untold(place.play())
    assert real == (before - gained) | predicted
    assert not predicted & before and gained <= before
    assert predicted or gained, "the change changes nothing"
    assert answer["uses_refused"] == len(predicted)
    assert answer["uses_allowed"] == len(gained)
    assert answer["devices_refused"] == len({one[0] for one in predicted})


def test_a_role_changed_in_the_registry_is_the_one_asked_about(place):
    place.sql("UPDATE identity SET role = 'idle' WHERE name = 'lamp2'")
    new = HEAD + CHANGES["a grant removed"]
    devices = {one["device"] for one in place.replay(new)["changes"]}
    assert devices == {"lamp1"}
    place.write(HEAD + ROLES)
    place.broker.restart()
    real = untold(place.play())
    assert ("lamp2", "publish", "devices/lamp2/state", False) in real


def test_the_same_file_refuses_nothing(place):
    answer = place.replay(HEAD + ROLES, code=0)
    assert answer["changes"] == [] and answer["uses_refused"] == 0
    assert answer["devices"] == 6 and answer["uses"] == len(TRAFFIC)


def test_the_answer_for_people(place):
    new = place.state / "new.conf"
    new.write_text(HEAD + CHANGES["a grant removed"])
    done = place.tacit("policy", "replay", new, "--state", place.state, code=3)
    assert "2 of 6 devices would have been refused 2 of 21 recorded uses" in done.stdout
    group = re.search(r'allowed -> refused: 2 devices, role lamp, publish "devices/%\{device\}/state"\n'
                      r'    noted .*; today: publish .* at \S*tacit\.conf:\d+:\d+', done.stdout)
    assert group, done.stdout
    assert "recorded for 0 days only" in done.stderr


def test_a_denial_is_named(place):
    change = place.replay(HEAD + CHANGES["a denial added"], code=3)["changes"][0]
    assert change["rule"]["file"].endswith("new.conf") and change["rule"]["rule"] == "deny-publish"
    line = (place.state / "new.conf").read_text().splitlines()[change["rule"]["line"] - 1]
    assert "deny-publish" in line


def test_an_error_in_the_file_is_told(place):
    new = place.state / "new.conf"
    new.write_text(HEAD + ROLES.replace("publish", "pblish", 1))
    done = place.tacit("policy", "replay", new, "--state", place.state, code=1)
    assert re.search(r"new\.conf:\d+:\d+: .*pblish", done.stderr)
    place.tacit("policy", "replay", "--state", place.state, code=2)


def test_what_was_seen_now_is_in_the_answer(place):
    """Without waiting: the tool asks the tacitd that runs."""
    one = place.connect("lazy").open("lazy")
    one.publish("idle/lazy", b"x", qos=1)
    began = time.monotonic()
    answer = place.replay(HEAD + LAMP + PANEL + TENANT, code=3)
    assert time.monotonic() - began < patience(3.0)
    assert {told(one) for one in answer["changes"]} == {("lazy", "publish", "idle/lazy", False)}
    one.close()
    assert not list((place.state / "learning").glob("[wc]*"))
    place.sql("UPDATE identity SET status = 'retired' WHERE name = 'lazy'")
    answer = place.replay(HEAD + LAMP + PANEL + TENANT, code=0)
    place.sql("UPDATE identity SET status = 'active' WHERE name = 'lazy'")
    assert answer["changes"] == [] and answer["record"]["left_out"] == 1


def test_a_will_is_recorded_when_it_is_set(place):
    one = place.connect("lazy").open("lazy", will=wire.Will("idle/lazy", b"gone", 1))
    answer = place.replay(HEAD + LAMP + PANEL + TENANT, code=3)
    assert {told(one) for one in answer["changes"]} == {("lazy", "publish", "idle/lazy", False)}
    one.close()


# -- suggest ----------------------------------------------------------------------------------


def suggest(place, *arguments):
    done = place.tacit("policy", "suggest", *arguments, "--state", place.state)
    return done.stdout, done.stderr


def assert_is_enough(place, text):
    """The same traffic passes, as the replay says."""
    before = untold(place.baseline)
    answer = place.replay(text, code=0)
    assert answer["changes"] == []
    place.write(text)
    place.broker.restart()
    assert untold(place.play()) == before


def test_a_suggestion_is_enough_and_no_more(place):
    text, said = suggest(place)
    assert "role idle stays as it is" in said
    assert "kept by a suggestion" in text and 'role "idle"' in text
    assert "nobody used it" not in text  # work/1 needs no wildcards
    assert_is_enough(place, text)
    unused = [("lamp1", "publish", "spare/lamp"),
              ("lamp3", "publish", "devices/lamp3/telemetry/voltage"),
              ("lamp3", "publish", "devices/lamp3/other"),
              ("panel", "publish", "devices/lamp3/other"),
              ("panel", "subscribe", "devices/+/set"),
              ("panel", "subscribe", "devices/lamp2/#"),
              ("panel", "subscribe", "work/+"),
              ("room1", "publish", "rooms/east/room1/off"),
              ("room2", "subscribe", "rooms/west/#")]
    assert place.play(unused) == set(unused)


def test_a_suggestion_for_one_role(place):
    text, said = suggest(place, "--role", "lamp")
    assert "stays as it is" not in said
    assert PANEL.strip() in text and LAMP.strip() not in text
    assert_is_enough(place, text)
    place.tacit("policy", "suggest", "--role", "nobody", "--state", place.state, code=1)
    done = place.tacit("policy", "suggest", "--role", "idle", "--state", place.state, code=None)
    assert done.returncode == 1 and "nothing was recorded of role idle" in done.stderr


def test_a_suggestion_of_included_files(place):
    (place.state / "roles.conf").write_text(LAMP + TENANT)
    place.write('include = "roles.conf"\n' + HEAD + PANEL + IDLE)
    place.broker.restart()
    text, _ = suggest(place)
    assert not re.search(r"(?m)^include", text)
    assert_is_enough(place, text)
    (place.state / "roles.conf").unlink()


def test_a_suggestion_for_programs(place):
    answer = place.policy("suggest")
    roles = {one["role"]: one for one in answer["roles"]}
    assert set(roles) == {"lamp", "panel", "tenant"} and answer["unchanged"] == ["idle"]
    lamp = roles["lamp"]
    assert lamp["devices_seen"] == lamp["devices"] == 3 and lamp["grants_before"] == 5
    assert "devices/%{device}/state" in [one["pattern"] for one in lamp["grants"]]
    assert {one["topic"] for one in roles["tenant"]["refused"]} \
        == {"rooms/east/+/off", "$SYS/broker/uptime"}
    assert_is_enough(place, answer["configuration"])


# -- unused -----------------------------------------------------------------------------------


def test_the_unused_grants_are_named(place):
    answer = place.policy("unused", code=3)
    lines = place.conf.read_text().splitlines()
    names = {(one["role"], one["action"], one["pattern"]) for one in answer["grants"]
             if one["kind"] == "grant" and one["state"] == "unused"}
    assert names == {("lamp", "publish", "spare/lamp"), ("idle", "publish", "idle/%{device}"),
                     ("tenant", "publish", "rooms/%{site}/%{device}/off"),
                     ("tenant", "subscribe", "news")}
    scopes = [one["prefix"] for one in answer["grants"] if one["kind"] == "wildcards"]
    assert scopes == ["work/"]
    for one in answer["grants"]:
        text = one["pattern"] if one["kind"] == "grant" else "wildcards"
        assert text in "".join(lines[one["line"] - 2:one["line"]]), one
        assert one["last_used"] is None and one["count"] == 0
    assert answer["unused"] == 5 and answer["unneeded"] == 0
    assert not answer["record"]["covers_days"]
    done = place.tacit("policy", "unused", "--state", place.state, code=3)
    assert "5 of 17 grants were not used in the last 30 days" in done.stdout, done.stdout
    assert "recorded for 0 days only" in done.stderr and "tacit.conf was changed" in done.stderr


def test_a_grant_that_another_one_covers_is_not_needed(place):
    place.write(HEAD + LAMP.replace('"news"', '"news", "devices/%{device}/+"') + PANEL + TENANT + IDLE)
    answer = place.policy("unused", code=3)
    assert {one["pattern"] for one in answer["grants"] if one["state"] == "unneeded"} \
        == {"devices/%{device}/set", "devices/%{device}/+"}


def test_grants_of_the_registry_are_named(place):
    """Those of a device that nothing is recorded of, too; and what is young is not judged."""
    old, now = int(time.time()) - 60 * 86400, int(time.time())
    for row in (("lazy", "old/a", old), ("lamp1", "old/b", old), ("lazy", "young/a", now)):
        place.sql("INSERT INTO grants (subject_kind, subject, action, pattern, created) "
                  "VALUES ('device', ?, 'publish', ?, ?)", *row)
    answer = place.policy("unused", code=3)
    place.sql("DELETE FROM grants")
    found = {(one["role"], one["pattern"]): one["state"] for one in answer["grants"]
             if one["file"] == "registry"}
    assert found == {("device:lazy", "old/a"): "unused", ("device:lamp1", "old/b"): "unused",
                     ("device:lazy", "young/a"): "new"}


def test_what_was_used_long_ago_is_unused(place):
    """And what stands in the file for longer than it is kept is forgotten."""
    place.broker.stop()
    file = place.state / "learning/observed"
    now = int(time.time())
    head, *rest = file.read_text().splitlines()
    head = "\t".join([head.split("\t")[0], str(now - 200 * 86400), *head.split("\t")[2:]])
    def entry(days, topic):
        at = now - days * 86400
        return f"lazy\tidle\t\t\tpublish\tallowed\texact\t1\t{at}\t{at}\t{topic}"
    file.write_text("\n".join([head, entry(100, "idle/x"), entry(40, "idle/lazy"), *rest, ""]))
    answer = place.policy("unused", code=3)
    idle = [one for one in answer["grants"] if one["role"] == "idle"]
    assert idle[0]["state"] == "unused" and idle[0]["last_used"] is not None
    assert answer["record"]["covers_days"]
    assert not [one for one in place.policy("unused", "--days", 50, code=3)["grants"]
                if one["role"] == "idle"]
    place.broker.start()
    place.play()
    place.broker.stop()
    kept = file.read_text()
    assert "idle/lazy" in kept and "idle/x" not in kept
    since = int(kept.split("\t")[1])
    assert abs(since - (time.time() - 90 * 86400)) < 60


# -- what the record is like --------------------------------------------------------------------


def test_very_many_topics_are_a_shape(place):
    one = place.connect("lamp3").open("lamp3")
    for number in range(40):
        one.publish(f"devices/lamp3/telemetry/{number}", b"x", qos=1)
    one.close()
    narrower = LAMP.replace("telemetry/#", "telemetry/1") + PANEL + TENANT + IDLE
    changes = place.replay(HEAD + narrower, code=3)["changes"]
    shape = [one for one in changes if one["several"]]
    assert [one["topic"] for one in shape] == ["devices/lamp3/telemetry/+"]
    assert shape[0]["now"] == "allowed" and shape[0]["then"] == "partly"
    assert shape[0]["count"] >= 40
    text, _ = suggest(place)
    assert '"devices/%{device}/telemetry/+"' in text
    assert place.replay(text, code=0)["changes"] == []


PLAIN = """
listener "plain" {
  tls = off
  plaintext = "i-accept-eavesdropping"
  address = "127.0.0.1"
  port = %d
  anonymous-role = "guest"
}
role "guest" {
  publish = { "guests/#" }
}
"""


def test_clients_without_a_name_are_recorded_by_role(place):
    port = free_port()
    place.write(HEAD + ROLES + PLAIN % port)
    place.broker.restart()
    guest = RawClient("127.0.0.1", port, 5).open("anybody")
    guest.publish("guests/1", b"x", qos=1)
    guest.publish("hosts/1", b"x", qos=1, reason=0x87)
    answer = place.replay(place.conf.read_text().replace("guests/#", "hosts/#"), code=3)
    guest.close()
    assert {(one["device"], one["role"], one["topic"], one["then"]) for one in answer["changes"]} \
        == {(None, "guest", "guests/1", "refused"), (None, "guest", "hosts/1", "allowed")}
    assert answer["devices_refused"] == 1

# SPDX-License-Identifier: Apache-2.0
"""tacit policy check, explain, reach and share; and that what they say is what tacitd does."""

import json
import re
import sqlite3
import time

import pytest

from support import wire
from support.broker import FOREIGN, TACIT
from support.client import RawClient
from support.patience import SLOWNESS, patience
from support.ports import free_port
from support.secure import Factory, House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")
ALLOWED, FAILED, USAGE, REFUSED = 0, 1, 2, 3

CONFIG = """
role "device" {{
  publish   = {{ "devices/%{{device}}/state", "devices/%{{device}}/log/#", "floor/+/%{{device}}" }}
  subscribe = {{ "devices/%{{device}}/set", "site/%{{site}}/news", "all/+" }}
  deny-subscribe = {{ "all/secret" }}
  deny-publish   = {{ "devices/+/log/private" }}
}}
role "watcher" {{
  subscribe = {{ "devices/+/state", "devices/+/log/#", "all/#" }}
  deny-subscribe = {{ "all/secret/#", "devices/lamp/log/private" }}
  denials   = carve
  shared    = on
  wildcards {{
    prefix = "devices/"  depth = 2  most-topics = 50
    expires = "30d"  owner = "ops"  reason = "the wall display"
  }}
  wildcards {{
    prefix = "all/"  depth = any  most-topics = 50
    expires = never  owner = "ops"  reason = "news"
  }}
}}
role "viewer" {{ subscribe = {{ "kitchen/temperature", "devices/lamp/state" }} }}
role "member" {{
  max-messages = "60/m"  max-bytes-all = "64KiB/s"  max-retained = 4096  max-connects = unlimited
  publish   = {{ "out/%{{device}}", "$SYS/mine" }}
  subscribe = {{ "in/%{{device}}", "#" }}
  grant {{ publish = {{ "slow/%{{device}}" }}  maximum-qos = 0  retain = on  max-payload = 8B }}
}}
role "pump" {{
  publish   = {{ "pumps/%{{device}}/state" }}
  subscribe = {{ "pumps/%{{device}}/set", "all/news" }}
}}
role "guest" {{ publish = {{ "guest/book" }}  subscribe = {{ "all/news", "devices/%{{device}}/set" }} }}
role "root" {{ unrestricted = on  tenant-space = common }}
assign "south" {{ organization = "Pumps Ltd"  organizational-unit = "south"  role = pump }}
assign "chief" {{ common-name = "chief"  role = watcher }}
listener "mqtts" {{
  port = 8883
  client-ca = "{ca}"
  client-ids = any
}}
listener "local" {{
  address = "127.0.0.1"
  port = {plain}
  tls = off
  anonymous-role = guest
}}
"""

DEVICES = {  # name: options of `tacit device add`
    "lamp": ("device", "--site", "hall"),
    "fan": ("device",),
    "wall": ("watcher",),
    "m1": ("member", "--tenant", "acme"),
    "m2": ("member", "--tenant", "acme"),
    "root": ("root",),
    "away": ("device",),
    "gone": ("device",),
}

# As the client names them.
TOPICS = ["devices/lamp/state", "devices/fan/state", "devices/lamp/log/a", "devices/lamp/log",
          "devices/lamp/log/private", "devices/lamp/set", "floor/1/lamp", "floor/1/2/lamp",
          "site/hall/news", "all/news", "all/secret", "all/secret/x", "all", "kitchen/temperature",
          "kitchen/light", "out/m1", "in/m1", "slow/m1", "$SYS/mine", "guest/book",
          "pumps/p1/state", "extra/lamp", "blocked/fan", "$tenant/acme/out/m1",
          "devices/lamp/\N{LATIN SMALL LETTER E WITH ACUTE}", "/", "devices//state"]
FILTERS = TOPICS + ["#", "devices/+/state", "devices/#", "devices/+/log/#", "devices/lamp/+",
                    "all/#", "all/+", "+/lamp", "$SYS/#", "devices/lamp/log/#", "all/secret/#",
                    "$share/g/devices/+/state", "$share/g/all/news", "in/+", "all/+/#"]


def fill_registry(state):
    """What `tacit grant` and `tacit group` write: grants and groups of the registry."""
    grant = ("INSERT INTO grants (subject_kind, subject, action, denies, pattern, maximum_qos,"
             " depth, most_topics, owner, reason, expires, created) VALUES"
             " (?, ?, ?, ?, ?, ?, ?, ?, 'ops', 'test', ?, 1)")
    never, past = 0, 1000
    with sqlite3.connect(state / "registry.db") as db:
        db.execute("INSERT INTO membership VALUES ('kitchen', 'fan'), ('kitchen', 'm2')")
        db.execute("INSERT INTO group_role VALUES ('kitchen', 'viewer')")
        for row in (
                ("device", "lamp", "publish", 0, "extra/%{device}", 1, None, None, never),
                ("group", "kitchen", "publish", 0, "kitchen/light", None, None, None, never),
                ("group", "kitchen", "subscribe", 0, "blocked/#", None, 0, 7, never),
                ("device", "fan", "subscribe", 1, "blocked/fan", None, None, None, never),
                ("role", "device", "subscribe", 0, "extra/%{device}", 0, None, None, never),
                ("device", "lamp", "publish", 0, "kitchen/light", None, None, None, past)):
            db.execute(grant, row)
    db.close()


class Site(Factory):
    def policy(self, *words, code=0):
        return self.tacit("policy", *words, "--state", self.state, code=code)

    def ask(self, *words, code=0):
        return json.loads(self.policy(*words, "--json", code=code).stdout)

    def join(self, name, version=5):
        """Anybody: a device, "anonymous", or a file of a certificate of the factory."""
        if name == "anonymous":
            one = RawClient("127.0.0.1", self.plain, version)
        elif name in DEVICES:
            one = self.connect(name, version)
        else:
            one = self.come(name, version)
        return one.open(f"{name}-{time.monotonic_ns()}")


@pytest.fixture(scope="module", params=[1, 3], ids=lambda n: f"shards{n}")
def site(request):
    with Site(shards=request.param) as one:
        one.plain = free_port()
        for name, (role, *options) in DEVICES.items():
            one.tacit("device", "add", name, "--role", role, *options, "--state", one.state,
                      "--host", "localhost", "--port", one.broker.port)
        one.broker.stop()
        one.write(f"shards = {request.param}\n" + CONFIG.format(ca=one.build(), plain=one.plain))
        fill_registry(one.state)
        one.make("p1", "/O=Pumps Ltd/OU=south/CN=p1")
        one.make("chief", "/O=Presses Ltd/CN=chief")
        one.tacit("device", "suspend", "away", "--state", one.state)
        one.tacit("device", "revoke", "gone", "--state", one.state)
        one.broker.start()
        yield one


LIVE = [name for name in DEVICES if name not in ("away", "gone")]


def some(questions, name):
    """All of them; where each takes long, every device gets some, and together they get all."""
    step = round(SLOWNESS)
    return questions[LIVE.index(name) % step::step]


# -- the tool says what tacitd does ------------------------------------------------------------


def publish(one, topic, payload, qos, retain):
    """The broker's answer: an acknowledgement, or DISCONNECT where CONNACK had said no."""
    packet_id = one.packet_id()
    one.send(wire.publish(5, topic, payload, qos, packet_id, retain))
    while True:
        answer = one.receive()
        if answer.kind in (wire.PUBACK, wire.PUBREC, wire.DISCONNECT):
            break
    if answer.kind == wire.PUBREC and answer.reason < 0x80:
        one.send(wire.ack(5, wire.PUBREL, packet_id))
        one.take(wire.PUBCOMP)
    return answer


@pytest.mark.parametrize("name", LIVE)
def test_explain_is_right_about_publishing(site, name):
    one = site.join(name)
    for topic in some(TOPICS, name):
        for qos, retain, payload in ((1, False, b"x"), (1, True, b"x"), (2, False, b"123456789")):
            said = site.ask("explain", "--device", name, "--publish", topic, "--qos", qos,
                            "--retain", "on" if retain else "off", "--max-payload", len(payload),
                            code=None)
            answer = publish(one, topic, payload, qos, retain)
            assert said["allowed"] == (answer.reason < 0x80), (topic, qos, retain, answer, said)
            if answer.kind != wire.DISCONNECT and said["needed"] and topic[0] != "$":
                assert answer.get("reason_string") == said["needed"]
            if answer.kind == wire.DISCONNECT:
                one = site.join(name)
    one.close()


@pytest.mark.parametrize("name", LIVE)
def test_explain_is_right_about_subscribing(site, name):
    one = site.join(name)
    for pattern in some(FILTERS, name):
        for qos in (0, 2):
            said = site.ask("explain", "--device", name, "--subscribe", pattern, "--qos", qos,
                            code=None)
            one.send(wire.subscribe(5, one.packet_id(), (pattern, qos)))
            suback = one.take(wire.SUBACK)
            reason = suback.reasons[0]
            assert said["allowed"] == (reason < 0x80), (pattern, suback, said)
            if said["allowed"]:
                assert said["granted_qos"] == reason, (pattern, suback, said)
            elif said["needed"] and pattern[0] != "$":
                assert suback.get("reason_string") == said["needed"]
            one.held.clear()
    one.close()


def test_the_exit_code_is_the_answer(site):
    for words, code in ((("--device", "lamp", "--publish", "devices/lamp/state"), ALLOWED),
                        (("--device", "lamp", "--publish", "devices/fan/state"), REFUSED),
                        (("--device", "away", "--publish", "devices/away/state"), REFUSED),
                        (("--device", "nobody", "--publish", "x"), FAILED),
                        (("--publish", "x"), USAGE)):
        site.policy("explain", *words, code=code)


def in_broker(name, topic):
    return f"$tenant/acme/{topic}" if name.startswith("m") else topic


def reach(site, topic):
    """Who can read and who can write by the tool: names, of the others those tried here."""
    said = site.ask("reach", topic)
    readers, writers = set(), set()
    for who in said["who"]:
        names = {"anonymous": {"anonymous"}, "assign": {"p1"} if who["name"] == "south" else
                 {"chief"}}.get(who["kind"], {who["name"]})
        for verb, found in (("read", readers), ("write", writers)):
            only, but = who.get(f"{verb}_as"), who.get(f"{verb}_except")
            if who[f"{verb}s"]:
                found |= names & set(only) if only else names - set(but or ())
    assert said["readers"] == len(readers & set(DEVICES) | readers & {"admin"})
    return readers, writers


def gathered(wanted, look):
    """Everything that look() finds, until all that is wanted is there; and a little later once more,
    for what is not."""
    found, deadline = look(), time.monotonic() + patience(5)
    while not found >= wanted and time.monotonic() < deadline:
        found |= look()
    time.sleep(0.02)
    return found | look()


def test_reach_is_right(site):
    """Everybody subscribes to each topic as they name it and publishes to it."""
    everybody = {name: site.join(name) for name in [*LIVE, "anonymous", "p1", "chief"]}
    topics = sorted({in_broker("m1", t) for t in TOPICS} | set(TOPICS))
    watch = site.join("root")
    for topic in topics:
        watch.subscribe((topic, 1))
        own = {name: topic.removeprefix("$tenant/acme/") for name in everybody
               if not name.startswith("m") or topic.startswith("$tenant/acme/")}
        own.update({name: topic for name in everybody if not name.startswith("m")})
        for name, named in own.items():
            everybody[name].send(wire.subscribe(5, everybody[name].packet_id(), (named, 1)))
            everybody[name].take(wire.SUBACK)
        for name, named in own.items():
            everybody[name].send(wire.publish(5, named, name.encode(), 0))
            everybody[name].fence_or_end()
        said_readers, said_writers = (said - {"admin"} for said in reach(site, topic))
        writers = gathered(said_writers, lambda: {p.payload.decode() for p in watch.fence()}
                           & set(everybody))
        for one in everybody.values():
            one.fence()
            one.held.clear()
        watch.publish(topic, b"to all", qos=1)
        readers = gathered(said_readers, lambda: {
            name for name, one in everybody.items()
            if any(p.kind == wire.PUBLISH and p.payload == b"to all" for p in one.fence())})
        assert (said_readers, said_writers) == (readers, writers), topic
        for name, named in own.items():
            everybody[name].unsubscribe(named, reasons=[0] if name in readers else [0x11])
        watch.fence()
    for one in (*everybody.values(), watch):
        one.close()


# -- explain -----------------------------------------------------------------------------------


def place_of(site, text):
    """file:line:column of the first occurrence in the configuration, without its quote."""
    path = site.state / "tacit.conf"
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if text in line:
            return f"{path}:{number}:{line.index(text) + 1}"
    raise AssertionError(text)


def test_explain_names_the_rule(site):
    said = site.ask("explain", "--device", "lamp", "--publish", "devices/lamp/state")
    assert said["rule"]["place"] == place_of(site, '"devices/%{device}/state"')
    assert (said["rule"]["role"], said["in_broker"]) == ("device", "devices/lamp/state")
    said = site.ask("explain", "--device", "lamp", "--publish", "extra/lamp", "--qos", 1)
    assert (said["rule"]["place"], said["rule"]["role"]) == ("registry:1", "device:lamp")
    said = site.ask("explain", "--device", "fan", "--publish", "kitchen/light")
    assert (said["rule"]["place"], said["rule"]["role"]) == ("registry:2", "group:kitchen")
    text = site.policy("explain", "--device", "fan", "--publish", "kitchen/light").stdout
    assert 'registry:2 group "kitchen": publish "kitchen/light"' in text
    said = site.ask("explain", "--device", "m1", "--publish", "out/m1")
    assert said["in_broker"] == "$tenant/acme/out/m1"


def test_explain_tells_terms(site):
    said = site.ask("explain", "--device", "m1", "--publish", "slow/m1", "--retain", "on")
    assert said["payload_bytes"] == [[8, None, None], [8, None, None]]
    said = site.ask("explain", "--device", "m1", "--publish", "slow/m1", "--qos", 1, code=REFUSED)
    assert "QoS" in said["refused"]
    said = site.ask("explain", "--device", "m1", "--publish", "slow/m1", "--max-payload", "1KiB",
                    code=REFUSED)
    assert "longer" in said["refused"]
    text = site.policy("explain", "--device", "m1", "--publish", "slow/m1").stdout
    assert "payload      up to 8 bytes" in text and "QoS          up to 0" in text


def test_explain_says_what_is_missing(site):
    said = site.ask("explain", "--device", "lamp", "--publish", "devices/fan/state", code=REFUSED)
    assert said["needed"] == 'role "device" needs publish = { "devices/fan/state" }'
    assert said["nearest"]["place"] == place_of(site, '"devices/%{device}/state"')
    assert said["nearest"]["filter"] == "devices/lamp/state"
    said = site.ask("explain", "--device", "lamp", "--subscribe", "devices/+/set", code=REFUSED)
    assert 'wildcards { prefix = "devices/" depth = 2 }' in said["needed"]
    assert said["not_granted"] not in (None, "devices/lamp/set")
    text = site.policy("explain", "--device", "wall", "--subscribe", "devices/+/+",
                       code=REFUSED).stdout
    assert 'not granted  for example "devices/' in text


def test_explain_tells_denials_and_scopes(site):
    said = site.ask("explain", "--device", "lamp", "--subscribe", "all/secret", code=REFUSED)
    assert said["rule"]["grants"] is False
    assert said["rule"]["place"] == place_of(site, '"all/secret" }')
    said = site.ask("explain", "--device", "wall", "--subscribe", "all/#", "--qos", 1)
    assert [rule["pattern"] for rule in said["denials"]] == ["all/secret/#"]
    assert (said["scope"]["reason"], said["scope"]["expires"], said["granted_qos"]) == (
        "news", None, 1)
    text = site.policy("explain", "--device", "wall", "--subscribe", "all/#").stdout
    assert 'deny-subscribe "all/secret/#"' in text and "(ops: news)" in text
    said = site.ask("explain", "--device", "lamp", "--subscribe", "$share/g/all/news",
                    code=REFUSED)
    assert "shared" in said["refused"]


def test_explain_begins_with_what_bars(site):
    for name, word in (("away", "suspended"), ("gone", "revoked")):
        text = site.policy("explain", "--device", name, "--publish", f"devices/{name}/state",
                           code=REFUSED).stdout
        assert f"{word}" in text.splitlines()[1] and text.splitlines()[1].startswith("answer")
        assert "it would be allowed" in text
        said = site.ask("explain", "--device", name, "--publish", f"devices/{name}/state",
                        code=REFUSED)
        assert word in said["barred"] and said["refused"] is None


def test_explain_for_somebody_who_is_not_there_yet(site):
    said = site.ask("explain", "--role", "member", "--tenant", "acme", "--subscribe", "x/y")
    assert said["in_broker"] == "$tenant/acme/x/y" and said["subject"]["device"] is None
    said = site.ask("explain", "--device", "new", "--role", "device", "--publish",
                    "devices/new/state")
    assert said["subject"]["registered"] is False
    said = site.ask("explain", "--role", "nothing", "--publish", "a", code=REFUSED)
    assert "not defined" in said["barred"]


@pytest.mark.parametrize("words, hint", [
    (("--publish", "a/+"), "one topic"),
    (("--publish", ""), "empty"),
    (("--subscribe", "a/#/b"), "last level"),
    (("--subscribe", "a+"), "alone in its level"),
    (("--subscribe", "$share/g"), "$share/NAME/FILTER"),
    (("--subscribe", "a/" * 200), "topic-levels"),
    (("--publish", "a" * 65536), "65535"),
    (("--publish", b"a\xff".decode(errors="surrogateescape")), "UTF-8"),
    (("--publish", "a", "--qos", "3"), "0, 1 or 2"),
    (("--publish", "a", "--retain", "perhaps"), "on or off"),
    (("--publish", "a", "--max-payload", "9QB"), "KiB"),
    (("--publish", "a", "--subscribe", "a"), "either"),
    (("--subscribe", "a", "--retain", "on"), "--publish"),
    ((), "--publish"),
])
def test_explain_refuses_what_makes_no_sense(site, words, hint):
    done = site.policy("explain", "--device", "lamp", *words, code=USAGE)
    assert hint in done.stderr and not done.stdout


def test_nothing_reaches_the_terminal_raw(site):
    done = site.policy("explain", "--device", "lamp", "--publish", "a/\x1b[2J\N{RIGHT-TO-LEFT OVERRIDE}b",
                       code=REFUSED)
    assert "\x1b" not in done.stdout and "\N{RIGHT-TO-LEFT OVERRIDE}" not in done.stdout
    done = site.policy("explain", "--device", "lamp", "--publish", "+\x1b[2J", code=USAGE)
    assert "\x1b" not in done.stderr
    done = site.policy("reach", "\x1b[2J")
    assert "\x1b" not in done.stdout


# -- reach -------------------------------------------------------------------------------------


def test_reach_for_people(site):
    lines = site.policy("reach", "devices/lamp/state").stdout.splitlines()
    assert lines[0] == "topic        devices/lamp/state"
    assert any(l.startswith("writes lamp ") and place_of(site, '"devices/%{device}/state"') in l
               for l in lines)
    assert any(l.startswith("reads  fan ") and 'role "viewer"' in l for l in lines)
    assert any("common-name = \"chief\"" in l for l in lines)
    assert "3 can read, 2 can write, of 6 devices" in lines
    # The administrator of the first start has a role that this configuration does not define.
    assert lines[-1] == ("not let in: 1 suspended, 1 revoked, 1 without a role or a name that can "
                         "be used")
    text = site.policy("reach", "pumps/p1/set").stdout
    assert 'any certificate of assign "south"' in text and 'as "p1"' in text
    assert "listener \"local\"" in site.policy("reach", "guest/book").stdout


def test_reach_counts_who_is_barred(site):
    said = site.ask("reach", "devices/away/state")
    assert "away" not in [who["name"] for who in said["who"]]
    assert said["barred"] == {"suspended": 1, "revoked": 1, "retired": 0, "unusable": 1}


def test_reach_wants_one_topic(site):
    assert "name one topic" in site.policy("reach", "devices/+/state", code=USAGE).stderr
    assert "which topic" in site.policy("reach", code=USAGE).stderr


# -- share -------------------------------------------------------------------------------------


def test_share_for_programs(site):
    said = site.ask("share", "m2")
    assert said["topic_space"] == "$tenant/acme/"
    assert said["subject"]["parts"] == ["member", "viewer", "group:kitchen"]
    assert said["bounds"] == {
        "max_messages": {"count": 60, "seconds": 60}, "max_bytes": None, "max_subscribes": None,
        "max_connects": "unlimited", "max_retained": 4096, "max_messages_all": None,
        "max_bytes_all": {"count": 65536, "seconds": 1}, "max_connects_all": None,
        "max_subscribes_all": None, "max_retained_all": None}
    rules = {rule["filter"]: rule for rule in said["rules"]}
    assert rules["out/m2"]["in_broker"] == "$tenant/acme/out/m2"
    assert rules["$SYS/mine"]["out_of_space"] and not rules["out/m2"]["out_of_space"]
    assert rules["kitchen/light"]["place"] == "registry:2"
    assert rules["slow/m2"]["max_payload"] == 8
    assert [(s["below"], s["most_topics"], s["place"]) for s in said["wildcards"]] == [
        ("blocked/", 7, "registry:3")]
    rules = {rule["filter"]: rule for rule in site.ask("share", "fan")["rules"]}
    assert rules["site/+/news"]["missing_name"] and rules["all/+"]["partly_denied"]


def test_share_for_people(site):
    text = site.policy("share", "fan").stdout
    assert 'besides      role "viewer", group "kitchen", device "fan"' in text
    assert "a name is missing" in text and "some of it is denied" in text
    assert f"devices/fan/state                {place_of(site, chr(34) + 'devices/%{device}/state')}" in text
    text = site.policy("share", "m1").stdout
    assert "its topic a/b is $tenant/acme/a/b" in text
    for bound in ("max-messages 60 in 60 seconds", "max-bytes-all 65536 a second",
                  "max-retained 4096 bytes", "max-connects unlimited"):
        assert re.search(rf"(?m)^bounds +{bound}$", text), text
    assert "it is suspended; it is not let in" in site.policy("share", "away").stdout
    assert "no device 'nobody'" in site.policy("share", "nobody", code=FAILED).stderr


# -- check -------------------------------------------------------------------------------------


def test_check_of_the_site(site):
    said = site.ask("check", code=None)
    kinds = {finding["kind"] for finding in said["findings"]}
    assert {"broad-first-level", "unrestricted-role", "expired-grant", "anonymous-name"} <= kinds
    expired = [f for f in said["findings"] if f["kind"] == "expired-grant"]
    assert [f["place"] for f in expired] == ["registry:6"]
    assert said["errors"] == []


ODD = """
role "a" {
  publish   = { "x/#", "x/y" }
  subscribe = { "s/%{device}" }
  deny-subscribe = { "s/#" }
  grant { publish = { "old" }  expires = "2020-01-01" }
  wildcards { prefix = "s/" depth = 1 most-topics = 5 expires = never owner = "o" reason = "r" }
}
role "b" { subscribe = { "b" } }
role "c" { publish = { "guest/%{device}", "guest/book" } }
assign "one" { organization = "O"  role = a }
assign "two" { organization = "O"  issuer = "I"  role = b }
listener "tls" { port = 8883 }
listener "open" { port = 1883  tls = off  plaintext = "i-accept-eavesdropping"  anonymous-role = c }
"""


@pytest.fixture(scope="module")
def house():
    with House() as one:
        one.add("lamp", "nothing-of-the-kind")
        yield one


def check(house, text, *words, code):
    path = house.home / "odd.conf"
    path.write_text(text)
    return path, house.tacit("policy", "check", path, "--state", house.state, *words, code=code)


def test_check_finds_what_is_odd(house):
    path, done = check(house, ODD, code=REFUSED)
    lines = done.stdout.splitlines()
    assert lines[:-1] == sorted(lines[:-1], key=lambda l: (
        l.split(":")[0], [int(n) for n in l.split(":")[1:3] if n.isdigit()]))
    for place, *words in (
            ("3:24", "warning", 'role "a": publish "x/y" never decides', f"({path}:3:17)"),
            ("4:17", "error", "grants nothing: a denial takes all of it away", f"({path}:5:22)"),
            ("6:23", "warning", 'publish "old" has expired'),
            ("7:24", "note", "never expires"),
            ("12:1", "warning", 'assign "two" never decides: assign "one"'),
            ("14:1", "warning", "lets everybody who reaches this listener write"),
            ("14:1", "warning", "has no name")):
        assert any(l.startswith(f"{path}:{place}: ") and all(w in l for w in words)
                   for l in lines), (place, words, done.stdout)
    assert any(l.startswith("registry: warning") and '"nothing-of-the-kind"' in l and '"lamp"' in l
               for l in lines)
    assert lines[-1].startswith(f"{path}: ") and "1 error, " in lines[-1]


def test_check_for_programs(house):
    path, done = check(house, ODD, "--json", code=REFUSED)
    said = json.loads(done.stdout)
    assert said["configuration"] == str(path) and said["counts"]["error"] == 1
    assert {f["kind"] for f in said["findings"]} >= {
        "redundant-grant", "shadowed-grant", "expired-grant", "scope-without-expiry",
        "shadowed-assign", "anonymous-writes", "anonymous-name", "no-such-role"}
    found = next(f for f in said["findings"] if f["kind"] == "redundant-grant")
    assert (found["file"], found["line"], found["column"]) == (str(path), 3, 24)


def test_check_is_content_with_what_is_in_order(house):
    good = "".join(f'role "{name}" {{ publish = {{ "a/%{{device}}" }} }}\n'
                   for name in ("nothing-of-the-kind", "admin"))
    good += 'listener "m" { port = 8883 }\n'
    path, done = check(house, good, code=0)
    assert "error" not in done.stdout and "warning" not in done.stdout
    named = house.tacit("policy", "check", "--config", path, "--state", house.state)
    assert named.stdout == done.stdout


@pytest.mark.parametrize("text, place, word", [
    ('role "a" {\n  publsh = { "x" }\n}\n', "2:3", "publish"),
    ('role "a" {\n  publish = { "x/#/y" }\n}\n', "2:15", "#"),
    ('role "a" {\n  publish = { "x" }\n', "", ""),
    ('role "a" { publish = { "x" } }\nlistener "m" {\n  port = 1\n  certificate-role = "b"\n}\n',
     "4:22", "b"),
])
def test_check_names_the_place_of_an_error(house, text, place, word):
    path, done = check(house, text, code=FAILED)
    assert f"{path}:{place}" in done.stderr and word in done.stderr, done.stderr
    path, done = check(house, text, "--json", code=FAILED)
    said = json.loads(done.stdout)
    assert any(f"{path}:{place}" in error for error in said["errors"]), said


def test_check_of_no_file(house):
    done = house.tacit("policy", "check", house.home / "none.conf", "--state", house.state,
                       code=FAILED)
    assert "none.conf" in done.stderr
    house.tacit("policy", "check", "a", "--config", "b", "--state", house.state, code=USAGE)
    house.tacit("policy", "check", "a", "b", "--state", house.state, code=USAGE)


def test_the_built_in_configuration_has_notes_only(house, tmp_path):
    done = house.tacit("policy", "check", "--state", tmp_path / "none")
    assert "built-in configuration" in done.stdout and "warning" not in done.stdout

# SPDX-License-Identifier: Apache-2.0
"""`tacit grant`, `tacit group` and `tacit device set`: what an operator grants besides the file
counts for live sessions within a second, and what makes no sense never enters the registry."""

import contextlib
import json
import re
import sqlite3
import subprocess
import time

import pytest

from support.broker import FOREIGN, TACIT
from support.secure import TOOL_S, House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")
WITHIN_S = 1.0
DONE, FAILED, USAGE = 0, 1, 2

CONFIG = """
listener "mqtts" {
  port = 8883
  client-ids = any
}
role "device" {
  publish   = { "devices/%{device}/state" }
  subscribe = { "devices/%{device}/set" }
}
role "reader" { subscribe = { "news" } }
role "panel" {
  publish   = { "devices/+/set", "devices/+/state", "hall/#", "news" }
  subscribe = { "hall/open" }
}
"""
FORCE = r"policy in force on shard \d+ after"


class Office(House):
    """A house whose operator uses the tool."""

    def __init__(self, shards):
        super().__init__()
        self.shards = shards
        self.names = iter(f"d{n}" for n in range(1000))

    def tool(self, *arguments, **more):
        return self.tacit(*arguments, "--state", self.state, **more)

    def lines(self, pattern):
        return re.findall(pattern, self.broker.log())

    def wait(self, pattern, count, seconds):
        deadline = time.monotonic() + seconds
        while len(self.lines(pattern)) < count:
            assert time.monotonic() < deadline, f"no {pattern!r}:\n{self.broker.log()[-3000:]}"
            time.sleep(0.005)

    def change(self, *arguments):
        """What the tool is told is in force on all shards within a second. What it printed."""
        before = len(self.lines(FORCE))
        done = self.tool(*arguments)
        self.wait(FORCE, before + self.shards, WITHIN_S)
        return done.stdout

    def grant(self, *arguments):
        """The number of the new grant."""
        return re.match(r"grant (\d+): ", self.change("grant", "add", *arguments)).group(1)

    def refused(self, *arguments, code=USAGE):
        """The complaint; nothing has changed."""
        before = self.tool("grant", "list").stdout + self.tool("group", "list").stdout
        done = self.tool(*arguments, code=code)
        assert done.stdout == ""
        assert before == self.tool("grant", "list").stdout + self.tool("group", "list").stdout
        return done.stderr


@pytest.fixture(scope="module", params=[1, 2], ids=lambda n: f"shards{n}")
def house(request):
    with Office(request.param) as one:
        one.broker.stop()
        (one.state / "tacit.conf").write_text(f"shards = {request.param}\n" + CONFIG)
        one.broker.start()
        one.add("panel", "panel")
        yield one


@pytest.fixture
def lamp(house):
    """The name of a device that no other test has touched."""
    name = next(house.names)
    house.add(name, "device")
    return name


@pytest.fixture
def join(house):
    opened = []

    def new(name, version=5, **more):
        opened.append(house.connect(name, version))
        return opened[-1].open(name, **more)

    yield new
    for one in opened:
        one.close()


BOTH = pytest.mark.parametrize("version", [4, 5])


def no(version, reason=0x87):
    return reason if version == 5 else 0x80


# -- what is granted ------------------------------------------------------------------------------


@BOTH
def test_to_a_device(house, join, lamp, version):
    one, panel = join(lamp, version), join("panel")
    one.subscribe("hall/open", reasons=[no(version)])
    said = house.change("grant", "add", "--device", lamp, "--subscribe", "hall/open", "--qos", "1",
                        "--expires", "2036-12-24T10:00:00Z", "--owner", "anna", "--reason", "why")
    assert re.fullmatch(rf'grant \d+: device {lamp} may subscribe to "hall/open" \(qos 1\) until '
                        r"2036-12-24 10:00 UTC; a running tacitd takes it up within a second\n", said)
    one.subscribe("hall/open", qos=2, reasons=[1])
    panel.publish("hall/open", b"x", qos=1)
    one.message(payload=b"x")
    other = next(house.names)
    house.add(other, "device")
    join(other, version).subscribe("hall/open", reasons=[no(version)])


def test_terms_of_publishing(house, join, lamp):
    one, panel = join(lamp), join("panel")
    panel.subscribe("hall/open", qos=1)
    one.publish("hall/open", b"x", qos=1, reason=0x87)
    house.grant("--device", lamp, "--publish", "hall/open", "--max-payload", "1KiB", "--qos", "1")
    one.publish("hall/open", b"x" * 1024, qos=1)
    panel.message(payload=b"x" * 1024)
    one.publish("hall/open", b"x" * 1025, qos=1, reason=0x87)
    panel.expect_nothing()


@BOTH
def test_to_a_group(house, join, lamp, version):
    group = f"team-{lamp}-{version}"
    said = house.change("grant", "add", "--group", group, "--subscribe", "hall/open")
    assert f"group {group} has no member yet: tacit group add {group} DEVICE\n" in said
    one, panel = join(lamp, version), join("panel")
    one.subscribe("hall/open", reasons=[no(version)])
    assert house.change("group", "add", group, lamp) == f"{lamp} is now a member of group {group}\n"
    one.subscribe("hall/open")
    said = house.tool("grant", "add", "--group", group, "--publish", "hall/x").stdout
    assert "no member" not in said
    house.change("group", "remove", group, lamp)
    panel.publish("hall/open", b"x", qos=1)
    one.expect_nothing()
    one.subscribe("hall/open", reasons=[no(version)])


@BOTH
def test_a_role_of_a_group(house, join, lamp, version):
    group = f"readers-{lamp}-{version}"
    one = join(lamp, version)
    house.change("group", "add", group, lamp)
    one.subscribe("news", reasons=[no(version)])
    assert house.change("group", "role", group, "reader") == f"group {group} now has role reader\n"
    one.subscribe("news", f"devices/{lamp}/set")
    listed = json.loads(house.tool("group", "list", group, "--json").stdout)
    assert listed == [{"group": group, "roles": ["reader"], "members": [lamp]}]
    house.change("group", "unrole", group, "reader")
    one.subscribe("news", reasons=[no(version)])


@BOTH
def test_to_a_role(house, join, lamp, version):
    one = join(lamp, version)
    topic = f"hall/{lamp}/{version}"
    one.subscribe(topic, reasons=[no(version)])
    number = house.grant("--role", "device", "--subscribe", topic)
    one.subscribe(topic)
    house.change("grant", "remove", number)
    one.subscribe(topic, reasons=[no(version)])


@BOTH
def test_a_denial_wins(house, join, lamp, version):
    one, panel = join(lamp, version), join("panel")
    one.subscribe(f"devices/{lamp}/set", qos=1)
    house.grant("--device", lamp, "--subscribe", f"devices/{lamp}/set")
    house.grant("--device", lamp, "--deny-subscribe", f"devices/{lamp}/set")
    panel.publish(f"devices/{lamp}/set", b"x", qos=1)
    one.expect_nothing()
    one.subscribe(f"devices/{lamp}/set", reasons=[no(version)])


def test_a_denial_of_publishing_wins(house, join, lamp):
    one = join(lamp)
    one.publish(f"devices/{lamp}/state", b"x", qos=1, reason=(0, 0x10))
    number = house.grant("--role", "device", "--deny-publish", "devices/%{device}/state")
    one.publish(f"devices/{lamp}/state", b"x", qos=1, reason=0x87)
    house.change("grant", "remove", number)


# -- and when it ends -----------------------------------------------------------------------------


@BOTH
def test_it_expires_on_the_second(house, join, lamp, version):
    ends = int(time.time()) + 4
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ends))
    house.grant("--device", lamp, "--subscribe", "hall/open", "--expires", stamp)
    one, panel = join(lamp, version), join("panel")
    one.subscribe("hall/open", qos=1)
    panel.publish("hall/open", b"in time", qos=1)
    one.message(payload=b"in time")
    house.wait(rf'client "{lamp}" loses its subscription to "hall/open"', 1,
               ends - time.time() + WITHIN_S)
    assert ends <= time.time() < ends + WITHIN_S
    panel.publish("hall/open", b"too late", qos=1)
    one.expect_nothing()
    one.subscribe("hall/open", reasons=[no(version)])
    row = listing(house, "--device", lamp)[0]
    assert row["expired"] and row["expires"] == stamp


def test_a_duration_counts_from_now(house, join, lamp):
    began = int(time.time())
    house.grant("--device", lamp, "--subscribe", "hall/open", "--expires", "2s")
    one = join(lamp)
    one.subscribe("hall/open")
    house.wait(rf'client "{lamp}" loses its subscription to "hall/open"', 1, 3 + WITHIN_S)
    assert time.time() >= began + 2


@BOTH
def test_removing_ends_it_live(house, join, lamp, version):
    number = house.grant("--device", lamp, "--subscribe", "hall/open")
    one, panel = join(lamp, version), join("panel")
    one.subscribe("hall/open", qos=1)
    assert house.change("grant", "remove", number) == f"grant {number} is removed\n"
    assert house.lines(rf'client "{lamp}" loses its subscription to "hall/open"')
    panel.publish("hall/open", b"x", qos=1)
    one.expect_nothing()


@BOTH
def test_wildcards(house, join, lamp, version):
    """W2: refused without a scope; with it each use is one line that says whose and why."""
    one, panel = join(lamp, version), join("panel")
    said = house.change("grant", "add", "--device", lamp, "--subscribe", "hall/+/door")
    assert "one topic at a time" in said
    one.subscribe("hall/+/door", reasons=[no(version, 0xA2)])
    one.subscribe("hall/a/door")
    number = house.grant("--device", lamp, "--subscribe", "hall/+/door", "--wildcards", "--depth",
                         "2", "--most-topics", "3", "--owner", "olga", "--reason", "the fair",
                         "--expires", "30d")
    one = join(lamp, version)
    one.subscribe("hall/#", "hall/+/door", qos=1, reasons=[no(version, 0xA2), 1])
    used = house.lines(rf'client "{lamp}" uses a wildcard grant for "hall/\+/door".*')
    assert len(used) == 1, used
    for part in ("olga", "the fair", f"registry:{number}"):
        assert part in used[0]
    panel.publish("hall/b/door", b"x", qos=1)
    one.message(topic="hall/b/door", payload=b"x")
    house.change("grant", "remove", number)
    panel.publish("hall/b/door", b"y", qos=1)
    one.expect_nothing()


# -- moving a device ------------------------------------------------------------------------------


@BOTH
def test_device_set_changes_a_live_role(house, join, lamp, version):
    one = join(lamp, version)
    one.subscribe("news", reasons=[no(version)])
    said = house.change("device", "set", lamp, "--role", "reader")
    assert said.startswith(f"{lamp} has role reader, no tenant and no site")
    one.subscribe("news", f"devices/{lamp}/set", reasons=[0, no(version)])
    house.change("device", "set", lamp, "--role", "device")
    one.subscribe("news", f"devices/{lamp}/set", reasons=[no(version), 0])


@BOTH
def test_device_set_moves_a_live_device(house, join, lamp, version):
    """Another tenant is another topic space: it connects again."""
    one = join(lamp, version)
    said = json.loads(house.tool("device", "set", lamp, "--tenant", "acme", "--site", "north",
                                 "--json").stdout)
    assert (said["role"], said["tenant"], said["site"]) == ("device", "acme", "north")
    one.expect_refusal(0x98, timeout=WITHIN_S)
    one = join(lamp, version)
    said = house.tool("device", "set", lamp, "--no-tenant").stdout
    assert said.startswith(f"{lamp} has role device, no tenant and site north")
    one.expect_refusal(0x98, timeout=WITHIN_S)
    join(lamp, version).subscribe(f"devices/{lamp}/set")


def test_device_set_refuses(house, lamp):
    def refused(*arguments, code=USAGE):
        before = house.tool("device", "show", lamp).stdout
        done = house.tool("device", "set", *arguments, code=code)
        assert before == house.tool("device", "show", lamp).stdout and done.stdout == ""
        return done.stderr

    assert "what?" in refused(lamp)
    assert "which one?" in refused()
    assert "--no-tenant" in refused(lamp, "--tenant", "a", "--no-tenant")
    assert "--no-site" in refused(lamp, "--site", "a", "--no-site")
    assert "'' cannot be the name of a tenant" in refused(lamp, "--tenant", "")
    assert "'a/b' cannot be the name of a site" in refused(lamp, "--site", "a/b")
    assert "did you mean 'reader'?" in refused(lamp, "--role", "redaer", code=FAILED)
    assert "no device 'nobody'" in refused("nobody", "--role", "reader", code=FAILED)
    assert "one word too many" in refused(lamp, "x", "--role", "reader")


# -- looking --------------------------------------------------------------------------------------


def listing(house, *arguments):
    return json.loads(house.tool("grant", "list", "--json", *arguments).stdout)


def test_the_list(house, lamp):
    first = int(house.grant("--device", lamp, "--publish", "x/y", "--qos", "0", "--retain", "on",
                            "--max-payload", "4KiB", "--rate", "60/m"))
    more = house.tool("grant", "add", "--device", lamp, "--subscribe", "hall/%{site}/#", "--json",
                      "--wildcards", "--depth", "any", "--most-topics", "5", "--owner", "anna",
                      "--reason", "the hall", "--expires", "2036-12-24")
    rows = listing(house, "--device", lamp)
    assert json.loads(more.stdout) == rows[1]
    for row in rows:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", row.pop("created"))
    assert rows == [
        {"id": first, "subject_kind": "device", "subject": lamp, "action": "publish",
         "denies": False, "pattern": "x/y", "maximum_qos": 0, "retain": True, "max_payload": 4096,
         "rate": {"messages": 60, "seconds": 60}, "wildcards": None, "owner": "", "reason": "",
         "expires": None, "expired": False},
        {"id": first + 1, "subject_kind": "device", "subject": lamp, "action": "subscribe",
         "denies": False, "pattern": "hall/%{site}/#", "maximum_qos": None, "retain": None,
         "max_payload": None, "rate": None,
         "wildcards": {"prefix": "hall/%{site}/", "depth": "any", "most_topics": 5},
         "owner": "anna", "reason": "the hall", "expires": "2036-12-24T00:00:00Z",
         "expired": False}]
    text = house.tool("grant", "list", "--device", lamp).stdout.splitlines()
    assert len(text) == 3 and "qos 0, retain on, max-payload 4096B, rate 60/m" in text[1]
    assert "2036-12-24 00:00 UTC" in text[2] and "anna: the hall" in text[2]
    assert not [row for row in listing(house, "--group", lamp)]
    assert len(listing(house)) >= 2


def test_groups_in_a_list(house, lamp):
    group = f"g-{lamp}"
    house.tool("group", "role", group, "reader")
    house.tool("group", "add", group, lamp, "panel")
    assert "was already" in house.tool("group", "add", group, lamp).stdout
    rows = [line.split() for line in house.tool("group", "list", group).stdout.splitlines()]
    assert rows == [["GROUP", "HAS", "NAME"], [group, "role", "reader"], [group, "member", lamp],
                    [group, "member", "panel"]]
    assert [group, "member", lamp] in [line.split() for line
                                       in house.tool("group", "list").stdout.splitlines()]


def test_removing_what_is_not_there(house, lamp):
    number = house.grant("--device", lamp, "--publish", "x")
    assert "no grant 999999" in house.refused("grant", "remove", "999999", code=FAILED)
    assert "'x' is not the number" in house.refused("grant", "remove", number, "x")
    assert "'0' is not the number" in house.refused("grant", "remove", "0")
    done = house.tool("grant", "remove", number, "999999", code=FAILED)
    assert done.stdout == f"grant {number} is removed\n" and "999999" in done.stderr
    assert "no member of group" in house.refused("group", "remove", "empty", lamp, code=FAILED)
    assert "does not have role" in house.refused("group", "unrole", "empty", "reader", code=FAILED)
    assert "neither a member nor a role" in house.refused("group", "list", "empty", code=FAILED)


@pytest.mark.parametrize("command", ["grant", "group", "device"])
def test_help(house, command):
    done = house.tacit(command, "--help")
    assert done.stdout.startswith(f"usage: tacit {command} add") and not done.stderr
    assert command in house.tacit("--help").stdout
    assert house.tacit(command, "add", "--help").stdout == done.stdout
    assert "there is no 'bogus'" in house.tacit(command, "bogus", code=USAGE).stderr
    assert house.tacit(command, code=USAGE).stderr.startswith("usage: ")


# -- what never enters ----------------------------------------------------------------------------


def test_nobody_is_granted_anything(house, lamp):
    said = house.refused("grant", "add", "--device", "nobody", "--publish", "a", code=FAILED)
    assert "there is no device 'nobody'" in said and "tacit device add nobody" in said
    said = house.refused("grant", "add", "--role", "devise", "--publish", "a", code=FAILED)
    assert "there is no role 'devise'" in said and "did you mean 'device'?" in said
    assert "tacit.conf" in said
    assert "no device 'nobody'" in house.refused("group", "add", "g", lamp, "nobody", code=FAILED)
    assert "did you mean 'panel'?" in house.refused("group", "role", "g", "pannel", code=FAILED)
    long_group = "g" * 125
    assert "too long" in house.refused("grant", "add", "--group", long_group, "--publish", "a")


@pytest.mark.parametrize("pattern, why", [
    ("", "empty"), ("a#", "'#' alone"), ("a/+b", "'+' must be alone"), ("#/a", "'#' alone"),
    ("%{devices}", "%{device}"), ("100%", "%{device}"), ("$share/g/a", "$share"),
    ("a" * 1025, "1024 bytes"), ("a" * 65536, "1024 bytes")])
def test_bad_patterns(house, lamp, pattern, why):
    for option in ("--publish", "--subscribe", "--deny-publish", "--deny-subscribe"):
        assert why in house.refused("grant", "add", "--device", lamp, option, pattern)


WILD = ["--subscribe", "hall/#", "--wildcards", "--depth", "any", "--most-topics", "9", "--owner",
        "anna", "--reason", "why", "--expires", "never"]


@pytest.mark.parametrize("option", ["--depth", "--most-topics", "--owner", "--reason", "--expires"])
def test_wildcards_say_all_of_it(house, lamp, option):
    place = WILD.index(option)
    said = house.refused("grant", "add", "--device", lamp, *WILD[:place], *WILD[place + 2:])
    assert f"--wildcards needs {option}" in said


@pytest.mark.parametrize("arguments, why", [
    (["--publish", "a", "--subscribe", "a"], "add two"),
    (["--publish", "a", "--publish", "b"], "given twice"),
    ([], "what?"),
    (["--publish", "a", "--role", "device"], "--device and --role"),
    (["--publish", "a", "--qos", "3"], "write 0, 1 or 2"),
    (["--publish", "a", "--retain", "perhaps"], "write on or off"),
    (["--publish", "a", "--max-payload", "1GB"], "4KiB"),
    (["--publish", "a", "--rate", "0/s"], "10/s"),
    (["--publish", "a", "--expires", "2020-01-01"], "past"),
    (["--publish", "a", "--expires", "2026-02-30"], "no such time"),
    (["--publish", "a", "--expires", "nevr"], "never"),
    (["--publish", "a", "--reason", "two\nlines"], "one line"),
    (["--publish", "a", "--reason", "r" * 513], "512 bytes"),
    (["--subscribe", "a", "--rate", "1/s"], "applies to what is published"),
    (["--deny-publish", "a", "--qos", "1"], "a denial has no terms"),
    (["--subscribe", "a/#", "--depth", "2"], "belongs to --wildcards"),
    (["--subscribe", "#", *WILD[2:]], "prefix"),
    (["--subscribe", "a/b", *WILD[2:]], "no + or #"),
    (["--publish", "a/#", *WILD[2:]], "belongs to --subscribe"),
    (["--publish", "a", "b"], "one word too many"),
    (["--publsh", "a"], "unknown option"),
], ids=lambda value: value if isinstance(value, str) else "")
def test_bad_words(house, lamp, arguments, why):
    assert why in house.refused("grant", "add", "--device", lamp, *arguments)


HOSTILE = ["+", "#", "a/b", "$SYS", "", "x" * 65536, b"\xff\xfe", "a b", "%{device}", "\x1b[2J"]


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_names(house, lamp, name):
    """As device, role and group, everywhere one can be named."""
    for arguments in (["grant", "add", "--publish", "a", "--device", name],
                      ["grant", "add", "--publish", "a", "--role", name],
                      ["grant", "add", "--publish", "a", "--group", name],
                      ["grant", "list", "--device", name], ["grant", "list", "--role", name],
                      ["grant", "list", "--group", name], ["group", "add", name, lamp],
                      ["group", "add", "g", name], ["group", "remove", name, lamp],
                      ["group", "remove", "g", name], ["group", "role", name, "reader"],
                      ["group", "role", "g", name], ["group", "unrole", name, "reader"],
                      ["group", "unrole", "g", name], ["group", "list", name],
                      ["device", "set", name, "--role", "reader"],
                      ["device", "set", lamp, "--role", name],
                      ["device", "set", lamp, "--tenant", name]):
        done = subprocess.run([TACIT, *arguments, "--state", house.state], capture_output=True,
                              env=house.environment, timeout=TOOL_S)
        said = done.stderr.decode()  # which is UTF-8, whatever the name is
        assert done.returncode == USAGE and not done.stdout, (arguments, done)
        assert "cannot be the name of a" in said and len(said) < 700, said
        assert "\x1b" not in said
    assert name not in {row["subject"] for row in listing(house)}


def test_a_configuration_with_an_error(house, lamp, tmp_path):
    """Which roles there are is not guessed; what needs none is granted."""
    broken = tmp_path / "broken.conf"
    broken.write_text('role "device" { publsh = "a" }\n')
    other = tmp_path / "other.conf"
    other.write_text('role "cook" { publish = { "kitchen/#" } }\n')
    said = house.refused("grant", "add", "--role", "device", "--publish", "a", "--config", broken,
                         code=FAILED)
    assert re.search(r"broken\.conf:1:17: .*publsh.*did you mean 'publish'", said), said
    said = house.refused("group", "role", "g", "reader", "--config", other, code=FAILED)
    assert "other.conf" in said
    house.tool("grant", "add", "--device", lamp, "--publish", "a", "--config", broken)
    house.tool("group", "role", "g", "cook", "--config", other)
    house.tool("group", "unrole", "g", "cook")


def test_without_a_state_folder(house, tmp_path):
    for arguments in (["grant", "list"], ["group", "list"],
                      ["grant", "add", "--group", "g", "--publish", "a"],
                      ["device", "set", "lamp", "--site", "s"]):
        done = house.tacit(*arguments, "--state", tmp_path / "none", code=FAILED)
        assert str(tmp_path / "none") in done.stderr and done.stdout == ""


def test_rows_of_others_are_shown_and_can_be_removed(house, lamp):
    """Other programs write SQLite, too: nothing of it reaches the terminal unlooked at."""
    with contextlib.closing(sqlite3.connect(house.state / "registry.db", timeout=5)) as file:
        with file:
            ids = [file.execute(
                "INSERT INTO grants (subject_kind, subject, action, pattern, owner, created) "
                "VALUES ('device', ?, 'publish', ?, CAST(x'ff1b5b324a' AS TEXT), 1)",
                (lamp, pattern)).lastrowid for pattern in ("a\x1b[2J", "p" * 2000)]
    text = house.tool("grant", "list").stdout
    assert "a?[2J" in text and "\x1b" not in text and "cannot be read" in text
    rows = {row["id"]: row for row in listing(house)}
    assert rows[ids[0]]["owner"] == "??[2J" and rows[ids[1]]["pattern"] is None
    house.tool("grant", "remove", *ids)


def test_everything_that_was_added_is_taken(house):
    """At the end of all tests above: tacitd has left no row of the tool out."""
    assert not [line for line in house.lines(r"grant \d+ of the registry.*")
                if "left out" in line or "for nobody" in line]

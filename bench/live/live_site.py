# SPDX-License-Identifier: Apache-2.0
"""A live broker with TLS, certificates and a fleet whose roles it has learned, and what it says of
them. Learning goes fast: windows of FAST_MS, in which the fleet reports so many times as often; what
was learned is kept by the detector's seconds, so that the same broker goes on in real time."""
import contextlib
import json
import subprocess
import time

from support.broker import TACIT
from support.client import RawClient
from support.ports import free_port
from support.secure import House

from live_fleet import HABITS, Fleet

WINDOW_S = 5.0
REAL_MS = 5000
CALM_S = 2.0       # of the wall, after a start, before anything is tried
LEARN_WAIT_S = 900  # the detector must have learned by then
HERE = "127.0.0.1"
ACCOUNT = "anna"

CONFIG = """shards = {shards}
sense {{ mode = {mode} learn = {phases[0]}s shape = {phases[1]}s prove = {phases[2]}s quarantine-for = 1m }}
limits {{ sense-window-ms = {window} sense-save-s = 60 sense-quarantine-percent = 100
         audit-per-s = 100000 connect-timeout-ms = {timeout} handshake-timeout-ms = {timeout} }}
role "sensor" {{
  publish   = {{ "plant/%{{device}}/#" }}
  subscribe = {{ "plant/%{{device}}/#" }}
  retain    = on
}}
role "meter" {{
  publish   = {{ "plant/%{{device}}/#" }}
  subscribe = {{ "plant/%{{device}}/#" }}
  retain    = on
}}
role "button" {{ publish = {{ "plant/%{{device}}/#" }} }}
role "panel" {{
  subscribe = {{ "plant/#" }}
  wildcards {{ prefix = "plant/" depth = any most-topics = 10000 expires = never owner = "bench" reason = "sees all" }}
}}
role "control" {{
  publish = {{ "plant/#" }}
  wildcards {{ prefix = "plant/" depth = any most-topics = 10000 expires = never owner = "bench" reason = "tells all" }}
  sense   = off
}}
role "guest" {{ publish = {{ "home/%{{device}}/#" }} }}
listener "things" {{ address = "127.0.0.1" port = {port} client-certificates = required }}
listener "people" {{ address = "127.0.0.1" port = {people} client-certificates = optional passwords = on }}
"""


class Size:
    """How many devices of each role, how long the phases of learning last, and how many milliseconds a
    window has meanwhile, and for what is slow."""

    def __init__(self, counts, phases_s, learn_ms, fast_ms):
        self.counts, self.phases_s, self.learn_ms, self.fast_ms = counts, phases_s, learn_ms, fast_ms


# A day of one meter is learned: 30 of them, five windows a second, two minutes.
WHOLE = Size({"sensor": 8, "meter": 30, "button": 8, "panel": 3}, (150, 50, 60), 200, 250)
SHORT = Size({"sensor": 8, "meter": 12}, (4, 4, 4), 50, 100)


class Records:
    """The audit log as it grows: each record once, with the time at which it was read."""

    def __init__(self, state):
        self.folder, self.at, self.rest, self.all = state / "audit", {}, {}, []

    def read(self):
        """What is new; all of it, in order, is in `all`."""
        new, now = [], time.monotonic()
        for file in sorted(self.folder.glob("audit-*.log")):
            begin = self.at.get(file.name, 0)
            with file.open("rb") as stream:
                stream.seek(begin)
                data = stream.read()
            if not data:
                continue
            self.at[file.name] = begin + len(data)
            data = self.rest.pop(file.name, b"") + data
            *lines, self.rest[file.name] = data.split(b"\n")
            new += [json.loads(line) | {"read_s": now} for line in lines]
        self.all += new
        return new


class Site:
    """The broker, its records and its fleet. Use as a context; learn() first."""

    def __init__(self, size=WHOLE, mode="respond", shards=1, seed=1, say=print):
        self.size, self.mode, self.shards, self.say = size, mode, shards, say
        self.house = House(shards=shards)
        self.people = free_port()
        self.fleet = Fleet(self.connect, seed)
        self.records, self.contexts, self.fresh, self.window_ms = None, {}, {}, REAL_MS
        self.sources = 0
        self.suspects = set()  # those that have attacked since the last start

    def __enter__(self):
        try:
            self.house.broker.start()
            self.house.broker.stop()
            self.configure(self.size.learn_ms)
            self.house.broker.start()
            self.records = Records(self.house.state)
            for role, count in self.size.counts.items():
                for number in range(count):
                    self.add(f"{role}-{number}", role)
            self.add("control", "control", is_of_fleet=False)
            self.house.tacit("passwd", ACCOUNT, "--role", "guest", "--config",
                             self.house.state / "tacit.conf", "--state", self.house.state,
                             given="A long pass phrase 7\n")
        except BaseException:
            self.house.__exit__(RuntimeError)
            raise
        return self

    def __exit__(self, kind, *rest):
        self.fleet.stop()
        self.house.__exit__(kind, *rest)

    # -- the broker -----------------------------------------------------------------------------

    def configure(self, window_ms):
        self.window_ms = window_ms
        self.fleet.pace = window_ms / 1000 / WINDOW_S
        (self.house.state / "tacit.conf").write_text(CONFIG.format(
            shards=self.shards, mode=self.mode, phases=self.size.phases_s, window=window_ms,
            port=self.house.broker.port, people=self.people,
            timeout=max(1000, int(10000 * self.fleet.pace))))

    def begin(self, window_ms):
        """A new start with such windows: nobody is suspected any more, and everybody is fresh."""
        self.fleet.stop()
        self.house.broker.stop()
        self.configure(window_ms)
        self.house.broker.start()
        self.suspects = set()
        self.fleet.start()
        self.fresh = {role: [one.name for one in self.fleet.of(role) if not one.is_away]
                      for role in HABITS}
        self.rest(CALM_S)

    def again(self):
        self.begin(self.window_ms)

    def rest(self, seconds):
        """Of the wall; records are read meanwhile."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            self.records.read()
            time.sleep(0.02)

    def learn(self):
        """All roles, until they are watched: the seconds that it took."""
        begin = time.monotonic()
        self.fleet.start()
        pattern = r"behaviour of role (\w+) is watched"
        while len(set(self.house.lines(pattern))) < len(self.size.counts):
            if time.monotonic() > begin + LEARN_WAIT_S:
                raise RuntimeError(f"not learned:\n{self.house.broker.log()[-3000:]}")
            time.sleep(0.1)
        return time.monotonic() - begin

    # -- who is there -----------------------------------------------------------------------------

    def add(self, name, role, is_of_fleet=True):
        self.house.add(name, role)
        self.contexts[name] = self.house.context(name)
        return self.fleet.add(name, role) if is_of_fleet else None

    def connect(self, name, source=HERE):
        """A connection with that name's certificate; None: without one. CONNECT still to come."""
        return self.house.connect(None, context=self.contexts[name] if name else self.house.context(),
                                  source=source)

    def connect_people(self, source):
        return RawClient(HERE, self.people, 5, tls=self.house.context(), source=source)

    def plain(self, source, timeout=5):
        """A TCP connection that says nothing."""
        import socket
        return socket.create_connection((HERE, self.house.broker.port), timeout=timeout,
                                        source_address=(source, 0))

    def source(self):
        """An address that nobody has had before, in a network of its own."""
        self.sources += 1
        return f"127.{10 + self.sources // 200}.{self.sources % 200 + 1}.9"

    def take(self, role, count=1):
        """So many of a role to whom nothing was done since the last start."""
        if len(self.fresh.get(role, ())) < count:
            self.again()  # and by then nobody is suspected
        taken = [self.fresh[role].pop() for _ in range(count)]
        self.suspects.update(taken)
        return [self.fleet.devices[name] for name in taken]

    def free(self, device):
        """Nothing that was done about it stays, and it is as it was."""
        device.tempo = device.share = device.swell = 1.0
        device.offset, device.is_mute, device.reads = 0.0, False, True
        for words in (("sense", "release"), ("device", "release")):
            with contextlib.suppress(OSError, subprocess.SubprocessError):
                subprocess.run([TACIT, *words, device.name, "--state", self.house.state],
                               env=self.house.environment, stdin=subprocess.DEVNULL,
                               capture_output=True, timeout=30, check=False)
        device.is_away = False

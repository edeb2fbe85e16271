# SPDX-License-Identifier: Apache-2.0
"""The replays R1 to R16 as a real broker gets them: what an attacker does on the wire, in the order
of detection.md. Whoever is compromised is one of the fleet; who is not has addresses of its own."""
import itertools

from support import wire
from live_site import ACCOUNT, HERE
from live_trial import Replay

REAL, FAST = False, True
MINUTE, HOUR = 60, 3600
MOST_OPEN = 900  # connections at once
SLOW_KEEP_ALIVE = 65535
UNPROVED = "half_open strangers"


# -- before anybody has proved who it is ----------------------------------------------------------

def guess(trial, address, name, number):
    """One try at a password."""
    trial.mark()
    one = trial.keep(trial.site.connect_people(address))
    one.send(wire.connect(5, name, username=name, password=f"wrong {number}".encode()))
    one.receive(5)
    one.close()


def guessing(every_s, name=ACCOUNT):
    def act(trial):
        address = trial.source()
        for number in itertools.count():
            guess(trial, address, name, number)
            yield every_s
    return act


def guessing_from_many(count, every_s):
    def act(trial):
        for number in range(count):
            guess(trial, trial.source(), ACCOUNT, number)
            yield every_s
    return act


def slow_connections(every_s):
    """SlowITe without a certificate: the connection stands, and nothing comes."""
    def act(trial):
        address = trial.source()
        for count in itertools.count(1):
            if len(trial.open) < MOST_OPEN:
                trial.mark()
                trial.keep(trial.site.plain(address))
                trial.note["connections_held"] = count
            yield every_s
    return act


def failing_for(trial):
    """In the name of a device, without its certificate."""
    address = trial.source()
    for number in itertools.count():
        guess(trial, address, trial.victim.name, number)
        trial.note["victim_lost_its_connection"] = trial.victim.drops
        yield 1


# -- with the certificate of a device -------------------------------------------------------------

def session(trial, number, keep_alive):
    """One more connection of the victim, from where it is."""
    trial.mark()
    trial.addresses.add(HERE)
    one = trial.keep(trial.site.connect(trial.victim.name))
    one.open(f"{trial.victim.name}-{number}", keepalive=keep_alive)
    return one


def slow_sessions(every_s, most=MOST_OPEN, pings=False):
    def act(trial):
        made = []
        for number in itertools.count():
            if number < most:
                made.append(session(trial, number, 60 if pings else SLOW_KEEP_ALIVE))
            elif pings:
                for one in made:
                    one.send(wire.pingreq())
            trial.note["connections_held"] = len(made)
            yield every_s if number < most else 30
    return act


def deaf(trial):
    """It asks for much and takes nothing of it."""
    control = trial.keep(trial.site.connect("control").open("control"))
    trial.victim.reads = False
    trial.mark()
    while True:
        control.send(wire.publish(5, f"plant/{trial.victim.name}/cmd", b"x" * 60000))
        yield 0.5


def flooding(times):
    def act(trial):
        interval = trial.victim.habit.interval_s
        while True:
            trial.send(trial.victim.message())
            yield interval / (times - 1)
    return act


def big(size, every_s):
    def act(trial):
        while True:
            trial.send(trial.victim.message("big", b"0" * size, retain=True))
            yield every_s
    return act


def odd(every_s):
    def act(trial):
        name = trial.victim.name
        for number in itertools.count():
            topic = (f"plant/{name}/////", f"plant/{name}/../../etc", "$SYS/x", "$topic",
                     f"plant/{name}/{'a/' * 40}")[number % 5]
            trial.send(wire.publish(5, topic, b"1"))
            yield every_s
    return act


MALFORMED = (b"\x30\x80\x80\x80\x80\x01", b"\x00\x00", b"\x36\x05\x00\x01a\x00\x01",
             b"\x82\x03\x00\x00\x00", b"\x30\x03\x00\x01#", b"\xf1\x00", b"\x32\x04\x00\x01a\x00",
             b"\x10\x00")


def malformed(every_s):
    def act(trial):
        for number in itertools.count():
            trial.send(MALFORMED[number % len(MALFORMED)])
            yield every_s
    return act


def asking(pattern):
    def act(trial):
        trial.send(wire.subscribe(5, 9, (pattern.format(trial.victim.name), 0)))
        yield HOUR
    return act


def scanning(every_s, by):
    def act(trial):
        for number in itertools.count(1):
            topic = f"plant/other-{number}/value"
            trial.send(wire.subscribe(5, number % 60000 + 1, (topic, 0)) if by == "subscribe"
                       else wire.publish(5, topic, b"?"))
            yield every_s
    return act


# -- clones ---------------------------------------------------------------------------------------

def clone(trial, address):
    trial.mark()
    one = trial.keep(trial.site.connect(trial.victim.name, address))
    one.send(wire.connect(5, trial.victim.name, True, keepalive=60))
    return one


def pingpong(trial):
    address = trial.source()
    while True:
        clone(trial, address).receive(5)
        yield 15


def once(trial):
    one = clone(trial, trial.source())
    one.receive(5)
    while True:
        yield trial.victim.habit.interval_s
        one.send(trial.victim.message())


def while_off(trial):
    """It is away for five minutes, and one who has its key is there meanwhile; then it is back."""
    trial.victim.is_away = True
    trial.fleet.leave(trial.victim, says_goodbye=True)
    yield MINUTE
    one = clone(trial, trial.source())
    one.receive(5)
    for _ in range(48):
        yield trial.victim.habit.interval_s
        one.send(trial.victim.message())
    trial.note["back_after_s"] = 300
    trial.victim.is_away = False
    while True:
        yield trial.victim.habit.interval_s
        one.send(trial.victim.message())


# -- data carried away, bots, devices that are no longer their owners' ----------------------------

def changing(**changes):
    """It goes on as it does, but for that."""
    def act(trial):
        trial.mark()
        for victim in trial.victims:
            for key, value in changes.items():
                setattr(victim, key, value)
        yield 24 * HOUR
    return act


def bigger(trial):
    while True:
        trial.send(trial.victim.message("value", b"9" * trial.victim.habit.size * 10))
        yield trial.victim.habit.interval_s * 10


def new_topics(trial):
    for number in itertools.count():
        trial.send(trial.victim.message(f"cache-{number // 10}", b"9" * 400))
        yield trial.victim.habit.interval_s


def bursts(trial):
    while True:
        trial.send(*(trial.victim.message() for _ in range(20)))
        yield MINUTE


def bots(trial):
    for victim in trial.victims:
        trial.send(wire.subscribe(5, 11, (f"plant/{victim.name}/c2", 0)), victim=victim)
    while True:
        yield 10
        for victim in trial.victims:
            trial.send(victim.message("c2/out", b"done " * 20), victim=victim)


def inserting(trial):
    while True:
        yield trial.victim.habit.interval_s * 2 * (0.5 + trial.victim.random.random())
        trial.send(trial.victim.message())


def split_flood(trial):
    while True:
        for victim in trial.victims:
            if victim.random.random() < 0.3:
                trial.send(victim.message(), victim=victim)
        yield trial.victim.habit.interval_s


def mimicry(trial):
    """Same sizes and times; only what the bytes say is not its own."""
    victim = trial.victim
    report = victim.report

    def other():
        return bytes(victim.random.randrange(33, 127) for _ in report())
    victim.report = other
    trial.mark()
    try:
        yield 24 * HOUR
    finally:
        victim.report = report


def of(kind, rows, **same):
    return [Replay(kind, *row, **same) for row in rows]


FLOOD, BYTES = "publishes early bytes", "bytes_drift bytes size"
RULE_OF_CLONE = ("clone",)

REPLAYS = [
    *of("R1", [("5/s", guessing(0.2), "source", "auth_failures", 30, 10),
               ("0.5/s", guessing(2), "source", "auth_failures", 60, 10)], victims=0),
    *of("R2", [("200", guessing_from_many(200, 0.3), "source", "auth_failures", 75, 60)], victims=0),
    *of("R3", [("100/s", slow_connections(0.01), "source", UNPROVED, 30, 2),
               ("10/s", slow_connections(0.1), "source", UNPROVED, 40, None),
               ("1/s", slow_connections(1), "source", UNPROVED, 60, 30)], victims=0),
    *of("R3", [("1/s, with a certificate", slow_sessions(1), "attacking", "keepalive connects", 60, 30)]),
    *of("R4", [("20", slow_sessions(1, 20, pings=True), "attacking", "connects keepalive", 60, None)]),
    *of("R5", [("120 kB/s", deaf, "attacked", "backlog delivered", 90, None)]),
    *of("R6", [("x100", flooding(100), "attacking", FLOOD, 30, 3),
               ("x10", flooding(10), "attacking", FLOOD, 60, 3),
               ("x5", flooding(5), "attacking", FLOOD, 60, None),
               ("x2", flooding(2), "attacking", FLOOD, 120, 30)], role="sensor"),
    *of("R7", [("5 MiB", big(5 << 20, 10), "attacking", BYTES + " protocol_errors", 60, None),
               ("512 KiB", big(512 << 10, 10), "attacking", BYTES + " retained", 60, None)]),
    *of("R8", [("odd, 1/s", odd(1), "attacking", "new_topics reserved topics denied_publishes", 60, None),
               ("malformed, 0.5/s", malformed(2), "attacking", "protocol_errors lost connects", 60, None)]),
    *of("R9", [("#", asking("#"), "attacking", "denied_subscribes wildcards new_filters", 30, 0.1),
               ("+/+/#", asking("+/+/#"), "attacking", "denied_subscribes wildcards new_filters", 30, 0.1),
               ("$SYS/#", asking("$SYS/#"), "attacking", "denied_subscribes reserved", 30, 0.1),
               ("$share/x/#", asking("$share/x/#"), "attacking", "denied_subscribes reserved", 30, 0.1)],
        rules=("subscribe-refused",)),
    *of("R9", [("permitted", asking("plant/{}/#"), "attacking", "wildcards new_filters", 30, 0.1)],
        is_stealthy=True),
    *of("R10", [("subscribe, 10/s", scanning(0.1, "subscribe"), "attacking",
                 "denied_subscribes new_filters", 30, 30),
                ("publish, 10/s", scanning(0.1, "publish"), "attacking",
                 "denied_publishes new_topics", 30, 30)]),
    *of("R11", [("ping-pong", pingpong, "attacked", "takeovers connects", 60, 60),
                ("once", once, "attacked", "takeovers connects", 60, 60)], rules=RULE_OF_CLONE),
    *of("R13", [("75 %", bots, "attacking", "new_filters new_topics publishes", 60, 60)], victims=0.75),
    *of("R13", [("25 %", bots, "attacking", "new_filters new_topics publishes", 60, 60)], victims=0.25),
    *of("R13", [("5 %", bots, "attacking", "new_filters new_topics publishes", 120, 60)],
        victims=0.05, is_stealthy=True),
    *of("R16", [("victim", failing_for, "source", "auth_failures", 30, 10)], is_stealthy=True),
    # What takes minutes, with a clock that is faster.
    *of("R1", [("1/min", guessing(60), "source", "auth_failures", 15 * MINUTE, 10 * MINUTE)], victims=0,
        is_stealthy=True, is_fast=True),
    *of("R2", [("50 in ten minutes", guessing_from_many(50, 12), "source", "auth_failures",
                15 * MINUTE, None)], victims=0, is_stealthy=True, is_fast=True),
    *of("R3", [("1/min", slow_connections(60), "source", UNPROVED, 15 * MINUTE, None)], victims=0,
        is_stealthy=True, is_fast=True),
    *of("R7", [("64 KiB", big(64 << 10, 60), "attacking", BYTES + " retained", 20 * MINUTE, None)],
        is_stealthy=True, is_fast=True),
    *of("R8", [("odd, 1/min", odd(60), "attacking", "new_topics reserved topics denied_publishes",
                20 * MINUTE, None)], is_stealthy=True, is_fast=True),
    *of("R10", [("subscribe, 1/min", scanning(60, "subscribe"), "attacking",
                 "denied_subscribes new_filters", 20 * MINUTE, 10 * MINUTE),
                ("publish, 1/min", scanning(60, "publish"), "attacking",
                 "denied_publishes new_topics", 20 * MINUTE, 10 * MINUTE)],
        is_stealthy=True, is_fast=True),
    *of("R11", [("while it is off", while_off, "attacked", "takeovers connects early", 30 * MINUTE, HOUR)],
        rules=RULE_OF_CLONE, is_stealthy=True, is_fast=True),
    *of("R12", [("+20 %", changing(swell=1.2), "attacking", BYTES, 60 * MINUTE, 4 * HOUR),
                ("+50 %", changing(swell=1.5), "attacking", BYTES, 30 * MINUTE, 15 * MINUTE)],
        is_stealthy=True, is_fast=True),
    *of("R12", [("x2", changing(swell=2.0), "attacking", BYTES, 30 * MINUTE, 2 * MINUTE),
                ("bigger", bigger, "attacking", BYTES, 30 * MINUTE, None),
                ("topics", new_topics, "attacking", "new_topics topics publishes bytes", 30 * MINUTE, None),
                ("bursts", bursts, "attacking", FLOOD + " bytes_drift", 30 * MINUTE, None)],
        is_fast=True),
    *of("R14", [("removal", changing(share=0.67), "attacked", "silent starved", 30 * MINUTE, 2 * MINUTE),
                ("rhythm", changing(tempo=0.6), "attacking", "early publishes", 30 * MINUTE, None)],
        is_fast=True),
    *of("R14", [("insertion", inserting, "attacking", FLOOD, 30 * MINUTE, 2 * MINUTE),
                ("modification", changing(offset=55.0), "attacking", "value", 30 * MINUTE, 10 * MINUTE)],
        is_stealthy=True, is_fast=True),
    *of("R15", [("0.05", changing(share=0.05), "attacked", "starved silent", 30 * MINUTE, 45),
                ("0.2", changing(share=0.2), "attacked", "starved silent", 30 * MINUTE, 45)],
        is_fast=True),
    *of("R15", [("0.6", changing(share=0.6), "attacked", "starved silent", 30 * MINUTE, None)],
        is_stealthy=True, is_fast=True),
    *of("R16", [("split", split_flood, "attacking", FLOOD, 30 * MINUTE, None)], victims=0.8,
        is_stealthy=True, is_fast=True),
    *of("R16", [("mimicry", mimicry, "attacking", "", 15 * MINUTE, None)],
        is_stealthy=True, is_fast=True),
]

# Those of which a small site is enough, and that are surely found.
QUICK = {("R1", "5/s"), ("R2", "200"), ("R6", "x100"), ("R7", "512 KiB"), ("R9", "#"),
         ("R10", "subscribe, 10/s"), ("R11", "once"), ("R13", "75 %"), ("R15", "0.05"),
         ("R16", "victim")}

# SPDX-License-Identifier: Apache-2.0
"""Attacks on, by and beside the devices of a fleet, as changes of its rows. Each is a row of ALL:
class, intensity, who is to be named ("source" for an address), the verdict, the features of which
one has to be among the first three, and what makes the rows."""
import random

from fleet import CONNACK, CONNECT, DOWN, PUBLISH, SUBSCRIBE, UP, row

STRANGER = "198.51.100.9"
SIZE = 7  # place of the length in a row


def own(rows, name):
    return [one for one in rows if one[5] == name and one[3] == UP and one[4] == PUBLISH]


def like(one, at):
    return (at, *one[1:])


def flood(name, times):
    """So many times the device's own rate, for an hour."""
    def change(rows, at):
        mine = own(rows, name)
        distance = (mine[-1][0] - mine[0][0]) / len(mine) / (times - 1)
        count = int(3600 / distance)
        return rows + [like(mine[n % len(mine)], at + n * distance) for n in range(count)]
    return change


def exfiltrate(name, times):
    def change(rows, at):
        mine = set(own(rows, name))
        return [one[:SIZE] + (int(one[SIZE] * times),) + one[SIZE + 1:]
                if one in mine and one[0] >= at else one for one in rows]
    return change


def starve(name, left):
    def change(rows, at):
        dice, mine = random.Random(2), set(own(rows, name))
        return [one for one in rows
                if one not in mine or one[0] < at or dice.random() < left]
    return change


def insert(name, after):
    """One more message `after` seconds behind each."""
    def change(rows, at):
        return rows + [like(one, one[0] + after) for one in own(rows, name) if one[0] >= at]
    return change


def scan(name, kind, every):
    def change(rows, at):
        one = own(rows, name)[-1]
        return rows + [row(at + n * every, one[1], one[2], UP, kind, name, f"scan/{n}/x")
                       for n in range(60)]
    return change


def subscribe(name, topic):
    def change(rows, at):
        one = own(rows, name)[-1]
        return rows + [row(at, one[1], one[2], UP, SUBSCRIBE, name, topic)]
    return change


def login(at, address, stream, name, answer, keepalive=60):
    return [row(at, address, stream, UP, CONNECT, name, keepalive=keepalive),
            row(at + .01, address, stream, DOWN, CONNACK, name, answer=answer)]


def clone(name):
    def change(rows, at):
        home = own(rows, name)[0][1]
        found = list(rows)
        for n in range(6):
            found += login(at + n * 20, STRANGER if n % 2 == 0 else home, f"c{n}", name, 0)
        return found
    return change


def guess(every, sources):
    def change(rows, at):
        found = list(rows)
        for n in range(200):
            found += login(at + n * every, f"198.51.100.{n % sources}", f"g{n}", "", 5)
        return found
    return change


def slowite(every):
    def change(rows, at):
        found = list(rows)
        for n in range(200):
            found += login(at + n * every, STRANGER, f"s{n}", f"slow-{n}", 0, 65535)
        return found
    return change


def botnet(*names):
    def change(rows, at):
        found = list(rows)
        for n, name in enumerate(names):
            one = own(rows, name)[-1]
            found += [row(at + n, one[1], one[2], UP, SUBSCRIBE, name, "cc/in"),
                      row(at + n + 8, one[1], one[2], UP, PUBLISH, name, "cc/out")]
        return found
    return change


ACTS, SUFFERS = "attacking", "attacked"
FLOOD, DRAIN = {"publishes", "early", "bytes"}, {"bytes", "bytes_drift", "size"}
GONE, LOOKS = {"starved", "silent"}, {"new_filters", "new_topics", "topics", "wildcards"}
ALL = [
    *[("flood", f"x{times} {name}", name, ACTS, FLOOD, flood(name, times))
      for name in ("clock5-0", "clock60-0", "chance-0") for times in (2, 10)],
    *[("exfiltration", f"x{times} {name}", name, ACTS, DRAIN, exfiltrate(name, times))
      for name in ("clock10-0", "chance-0") for times in (1.2, 1.5, 2)],
    *[("starvation", f"to {left} {name}", name, SUFFERS, GONE, starve(name, left))
      for name in ("clock5-0", "clock10-0") for left in (.6, .2, 0)],
    ("insertion", "clock60", "clock60-0", ACTS, {"early"}, insert("clock60-0", 25)),
    ("insertion", "clock300", "clock300-0", ACTS, {"early"}, insert("clock300-0", 120)),
    *[("scan by SUBSCRIBE", f"every {every} s", "chance-0", ACTS, LOOKS,
       scan("chance-0", SUBSCRIBE, every)) for every in (1, 60)],
    *[("scan by PUBLISH", f"every {every} s", "chance-0", ACTS, LOOKS | FLOOD,
       scan("chance-0", PUBLISH, every)) for every in (1, 60)],
    *[("wildcard", topic, "clock10-1", ACTS, LOOKS | {"reserved"}, subscribe("clock10-1", topic))
      for topic in ("#", "$SYS/#", "a/b/#")],
    ("clone", "ping-pong", "clock10-1", SUFFERS, {"takeovers"}, clone("clock10-1")),
    *[("guessing", f"every {every} s from {sources}", "source", ACTS, {"auth_failures"},
       guess(every, sources)) for every, sources in ((2, 1), (60, 1), (.3, 200))],
    *[("SlowITe", f"every {every} s", "source", ACTS, {"strangers"}, slowite(every))
      for every in (.01, 1, 60)],
    ("command and control", "3 devices", "clock10-0", ACTS, LOOKS,
     botnet("clock10-0", "chance-0", "meter-0")),
]

# SPDX-License-Identifier: Apache-2.0
"""Simulated devices, as rows of an event file: each persona has its own rhythm, sizes and moods, with
loss, daily rhythm, reconnects and bursts. The same seed and start give the same rows."""
import math
import random

BEGIN = 1700006400  # a midnight
DAY = 86400
UP, DOWN = "up", "down"
CONNECT, CONNACK, PUBLISH, SUBSCRIBE, DISCONNECT = 1, 2, 3, 8, 14
COLUMNS = ("t_epoch,client_ip,tcp_stream,dir,mqtt_type,client_id,topic,remaining_len,qos,keepalive,"
           "connack_rc,payload_hex,label")


def row(at, address, stream, way, kind, name, topic="", size=30, keepalive="", answer="", value=""):
    return (at, address, stream, way, kind, name, topic, int(size), 0, keepalive, answer,
            value.encode().hex(), "")


def write(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        print(COLUMNS, file=file)
        for one in sorted(rows, key=lambda one: one[0]):
            print(f"{one[0]:.6f}", *one[1:], sep=",", file=file)


def daylight(at):
    """Between 0.1 at night and 1 at noon."""
    return 0.55 + 0.45 * math.sin(2 * math.pi * (at % DAY / DAY - 0.3))


class Device:
    def __init__(self, name, address, dice):
        self.name, self.address, self.random = name, address, dice
        self.rows, self.streams = [], 0

    def add(self, at, way, kind, **more):
        self.rows.append(row(at, self.address, f"{self.name}.{self.streams}", way, kind, self.name,
                             **more))

    def connect(self, at, *filters):
        self.streams += 1
        self.add(at, UP, CONNECT, keepalive=60)
        self.add(at + .01, DOWN, CONNACK, answer=0)
        for number, topic in enumerate(filters):
            self.add(at + .02 + number * .01, UP, SUBSCRIBE, topic=topic)

    def publish(self, at, topic, size, value=""):
        self.add(at, UP, PUBLISH, topic=topic, size=size, value=value)


def clock(period, jitter, loss=0.0):
    def live(device, at, until):
        device.connect(at + 1 + device.random.random())
        at += 3 + device.random.random() * period
        value = 20.0
        while at < until:
            value += device.random.gauss(0, .1)
            if device.random.random() >= loss:
                device.publish(at + abs(device.random.gauss(0, jitter)), f"s/{device.name}/temp",
                               40 + device.random.randrange(3), f"{value:.2f}")
            at += period
    return live


def chance(rate, has_days=False, sizes=(50,)):
    def live(device, at, until):
        device.connect(at + 1)
        at += 2
        while at < until:
            at += device.random.expovariate(rate * (daylight(at) if has_days else 1))
            device.publish(at, f"e/{device.name}/{device.random.randrange(3)}",
                           device.random.choice(sizes) * (.5 + device.random.random()))
    return live


def bursts(length, pause, rate):
    def live(device, at, until):
        device.connect(at + 1)
        at += 2
        while at < until:
            end = at + device.random.expovariate(1 / length)
            while at < end:
                at += device.random.expovariate(rate)
                device.publish(at, f"m/{device.name}", 30 + device.random.randrange(60))
            at += device.random.expovariate(1 / pause)
    return live


def motion(device, at, until):
    device.connect(at + 1, f"cmd/{device.name}")
    at += 5
    while at < until:
        at += device.random.expovariate(1 / 60)
        if device.random.random() < daylight(at) ** 2:
            for _ in range(device.random.randrange(1, 8)):
                device.publish(at, f"home/{device.name}/motion", 25)
                at += device.random.uniform(1, 5)


def hourly(device, at, until):
    device.connect(at + 1)
    at += 2 + device.random.random() * 3600
    while at < until:
        for number in range(device.random.randrange(10, 40)):
            device.publish(at + number * .2, f"log/{device.name}",
                           200 + device.random.randrange(800))
        at += 3600 + device.random.gauss(0, 20)


def sleeper(device, at, until):
    at += device.random.random() * 900
    while at < until:
        device.connect(at, f"cfg/{device.name}")
        device.publish(at + .5, f"b/{device.name}", 60 + device.random.randrange(5))
        device.add(at + 1, UP, DISCONNECT)
        at += 900 + device.random.gauss(0, 15)


def reconnecting(device, at, until):
    filters = f"cmd/{device.name}/#"
    at += 1
    again = at
    while at < until:
        if at >= again:
            device.connect(at, filters)
            again = at + device.random.expovariate(1 / 7200)
        at += 30 + device.random.gauss(0, 1)
        if at > again:
            at += device.random.uniform(5, 120)
        device.publish(at + .1, f"f/{device.name}", 45, str(device.random.randrange(100)))


def meter(device, at, until):
    device.connect(at + 1)
    at += 2 + device.random.random() * 60
    while at < until:
        for kind in ("u", "i", "p", "kwh"):
            device.publish(at, f"meter/{device.name}/{kind}", 30)
            at += .02
        if device.random.random() < .02:
            device.publish(at + 1, f"meter/{device.name}/event", 120)
        at += 60 + device.random.gauss(0, .2)


PERSONAS = {
    "clock5": clock(5, .02), "clock10": clock(10, .3, .01), "clock60": clock(60, .5),
    "clock300": clock(300, .05), "lossy": clock(15, .5, .05), "chance": chance(.05),
    "days": chance(.1, True, (20, 400)), "burst": bursts(60, 600, 1), "moods": bursts(600, 3000, .3),
    "motion": motion, "hourly": hourly, "sleeper": sleeper, "reconnecting": reconnecting,
    "meter": meter}


def quiet(seed, start, days, each):
    """Rows of `each` devices of every persona, from day `start` on."""
    begin, end = BEGIN + start * DAY, BEGIN + (start + days) * DAY
    rows = []
    for number, (persona, live) in enumerate(PERSONAS.items()):
        for one in range(each):
            name = f"{persona}-{one}"
            device = Device(name, f"10.0.{number}.{one + 1}",
                            random.Random(f"{seed} {name} {start}"))
            live(device, begin, end)
            rows += [one for one in device.rows if one[0] < end]
    return rows

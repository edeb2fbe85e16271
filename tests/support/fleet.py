# SPDX-License-Identifier: Apache-2.0
"""Devices whose behaviour a broker learns, in windows that are short enough for a test."""

import time

from support import wire
from support.patience import patience

# A fleet whose reports come when the machine of the test lets them may be told as a group; the one
# who floods has then the most evidence of it.
FLEET = [f"pump-{n}" for n in range(10)]
PERIOD_S = 0.05


def reasons_of(record):
    return [value for key, value in sorted(record.items()) if key.startswith("reason_")]


class Fleet:
    """Devices that report, each once in a period, as long as somebody waits."""

    def __init__(self, house):
        self.house, self.clients, self.held = house, {}, None

    def join(self, name, role="device"):
        """A new device, added and connected."""
        self.house.add(name, role)
        self.enter(name)

    def enter(self, name):
        client = self.house.connect(name)
        client.send(wire.connect(5, name, True))
        client.expect(wire.CONNACK, reason=0)
        self.clients[name] = client

    def say(self, name, times=1):
        message = wire.publish(5, f"devices/{name}/t", b"21.5", 0)
        self.clients[name].send(message * times)

    def report_until(self, is_over, seconds, what):
        deadline = time.monotonic() + patience(seconds)
        while not is_over():
            assert time.monotonic() < deadline, f"{what}:\n{self.house.broker.log()[-3000:]}"
            for name in self.clients:
                self.say(name)
            time.sleep(PERIOD_S)

    def learn(self):
        """All of the fleet, until their role is watched."""
        for name in FLEET:
            self.join(name)
        watched = r"behaviour of role device is watched"
        self.report_until(lambda: self.house.lines(watched), 60.0, "the role is not watched")

    def return_all(self):
        """After a restart: all of them, and half a second of reports."""
        self.close()
        for name in self.clients:
            self.enter(name)
        since = time.monotonic()
        self.report_until(lambda: time.monotonic() > since + 0.5, 10.0, "no time passes")

    def close(self):
        for client in self.clients.values():
            client.close()

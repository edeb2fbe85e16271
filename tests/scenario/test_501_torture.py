# SPDX-License-Identifier: Apache-2.0
"""A device in a bad network: whatever happens, a message that libtacit calls delivered has arrived.

The device is examples/sensor, which numbers its readings; who receives them has a session that the
broker keeps, so that nothing is lost behind the broker either."""

import random
import re
import signal
import time

import pytest

from support.broker import FOREIGN, TACIT
from support.examples import EXAMPLES, LONG_S, line, output, start  # noqa: F401
from support.lossy import Lossy
from support.patience import patience
from support.secure import House

TOPIC = "devices/probe/telemetry/temperature"
QUICK = ("--retry-ms", 100, "--timeout-ms", 1000, "--keep-alive", 1)
pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists() or not EXAMPLES.exists(),
                                reason="about tacitd and its library")


@pytest.fixture
def house():
    with House() as one:
        one.add("probe", "device")
        one.add("panel", "controller")
        yield one


class Panel:
    """Receives readings, over as many connections as it takes."""

    def __init__(self, house):
        self.house, self.seen, self.client = house, [], None
        self.connect()
        self.client.subscribe(TOPIC, qos=1)

    def connect(self):
        if self.client is not None:
            self.client.close()
        self.client = self.house.connect("panel").open(
            "panel", clean=False, props=[("session_expiry", 3600)])

    def expect(self, numbers):
        """Until all of them were seen. A reading may come twice, which QoS 1 allows."""
        missing, deadline = set(numbers) - set(self.seen), time.monotonic() + LONG_S
        while missing:
            assert time.monotonic() < deadline, f"never came: {sorted(missing)[:20]}"
            number = int(self.client.message(timeout=LONG_S).payload.split()[0])
            self.seen.append(number)
            missing.discard(number)


@pytest.fixture
def panel(house):
    one = Panel(house)
    yield one
    one.client.close()


def delivered(text):
    return [int(number) for number in re.findall(r"^delivered (\d+)$", text, re.M)]


def test_connections_that_are_cut_anywhere(house, start, panel):  # noqa: F811
    """Inside a handshake, a packet, between a message and its acknowledgement."""
    dice = random.Random(501)
    budgets = [dice.randrange(200, 5000) for _ in range(25)]
    with Lossy(house.broker.port, budgets) as relay:
        sensor = start("sensor", "probe", *QUICK, 600, 2, port=relay.port)
        panel.expect(range(600))
        assert delivered(output(sensor)) == list(range(600))
        assert relay.resets >= 8, "the network was not bad enough to show anything"


def test_a_network_that_swallows_everything(house, start, panel):  # noqa: F811
    """Half-open: nobody says that the connection is gone; the device finds out by itself."""
    with Lossy(house.broker.port) as relay:
        sensor = start("sensor", "probe", *QUICK, 600, 5, port=relay.port)
        line(sensor, "^delivered 20$")
        relay.silent.set()
        line(sensor, "not connected")
        relay.silent.clear()
        panel.expect(range(600))
        output(sensor)
        assert relay.connections >= 2


def test_a_broker_that_is_killed(house, start, panel):  # noqa: F811
    sensor = start("sensor", "probe", *QUICK, 300, 5)
    for number in (20, 120, 220):
        line(sensor, f"^delivered {number}$")
        house.broker.crash()
        panel.connect()
        panel.expect(range(number + 1))
    panel.expect(range(300))
    output(sensor)


def test_a_device_for_which_time_leaps(house, start, panel):  # noqa: F811
    """It stands still until the broker has given it up; for the device no time has passed, and then
    all of it at once."""
    sensor = start("sensor", "probe", *QUICK, 200, 5)
    line(sensor, "^delivered 50$")
    sensor.send_signal(signal.SIGSTOP)
    house.wait("keep alive timeout", 1, patience(20))
    sensor.send_signal(signal.SIGCONT)
    panel.expect(range(200))
    output(sensor)


def test_a_name_that_nobody_knows(house, start):  # noqa: F811
    """Told each time, and tried again."""
    sensor = start("sensor", "probe", *QUICK, 1, 1, host="nowhere.invalid")
    for _ in range(3):
        line(sensor, "^probe: not connected: .*nowhere.invalid")
    assert sensor.poll() is None


def test_a_server_that_is_not_there_yet(house, start, panel):  # noqa: F811
    """What is measured meanwhile waits in the queue."""
    house.broker.stop()
    sensor = start("sensor", "probe", *QUICK, 30, 1)
    for _ in range(3):
        line(sensor, "^probe: not connected: ")
    house.broker.start()
    panel.connect()
    panel.expect(range(30))
    assert delivered(output(sensor)) == list(range(30))

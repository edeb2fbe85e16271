# SPDX-License-Identifier: Apache-2.0
"""A house whose roles a test changes, and changes back; and the fixtures for tests about that.

A test file says ROLES, the roles to begin with, and DEVICES, name and role of things that are there
for all its tests; it imports the fixtures it wants."""

import contextlib
import re
import sqlite3
import time

import pytest

from support.secure import House

WITHIN_S = 1.0
FORCE = r"policy in force on shard \d+ after \d+ ms, longest slice \d+ us"
LISTENER = """
listener "mqtts" {
  port = 8883
  client-ids = any
}
"""


class Place(House):
    def __init__(self, shards, listener=LISTENER):
        super().__init__()
        self.head = f"shards = {shards}\n"
        self.shards, self.listener = shards, listener
        self.names = iter(f"d{n}" for n in range(1000))

    def write(self, roles):
        (self.state / "tacit.conf").write_text(self.head + self.listener + roles)

    def lines(self, pattern):
        return re.findall(pattern, self.broker.log())

    def wait(self, pattern, count, seconds):
        deadline = time.monotonic() + seconds
        while len(self.lines(pattern)) < count:
            assert time.monotonic() < deadline, (
                f"no {pattern!r} in time:\n{self.broker.log()[-3000:]}")
            time.sleep(0.005)

    def force(self):
        """How often a policy has come into force, all shards together."""
        return len(self.lines(FORCE))

    @contextlib.contextmanager
    def changing(self):
        """What is changed inside is in force on all shards when it is left, within a second."""
        before = self.force()
        began = time.monotonic()
        yield
        self.wait(FORCE, before + self.shards, WITHIN_S)
        assert time.monotonic() - began < WITHIN_S

    def signal(self, roles):
        """As reload(), without waiting for it."""
        self.write(roles)
        self.broker.reload()

    def reload(self, roles):
        with self.changing():
            self.signal(roles)

    def sql(self, text, *values):
        with contextlib.closing(sqlite3.connect(self.state / "registry.db", timeout=5)) as file:
            with file:
                file.execute(text, values)


@pytest.fixture(scope="module", params=[1, 2], ids=lambda n: f"shards{n}")
def house(request):
    with Place(request.param) as one:
        one.broker.stop()
        one.write(request.module.ROLES)
        one.broker.start()
        for name, role in request.module.DEVICES:
            one.add(name, role)
        yield one


@pytest.fixture
def place(request, house):
    yield house
    house.write(request.module.ROLES)
    if house.broker.alive():
        house.reload(request.module.ROLES)


@pytest.fixture
def lamp(place):
    """The name of a device that no other test has touched."""
    name = next(place.names)
    place.add(name, "device")
    return name


@pytest.fixture
def join(place):
    """join("lamp"): connected over mutual TLS."""
    opened = []

    def new(name, version=5, client_id=None, **more):
        opened.append(place.connect(name, version))
        return opened[-1].open(name if client_id is None else client_id, **more)

    yield new
    for one in opened:
        one.close()

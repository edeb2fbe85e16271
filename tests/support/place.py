# SPDX-License-Identifier: Apache-2.0
"""A house whose roles a test changes, and changes back; and the fixtures for tests about that.

A test file says ROLES, the roles to begin with, and DEVICES, name and role of things that are there
for all its tests; it imports the fixtures it wants."""

import pytest

from support.secure import House

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

    def signal(self, roles):
        """As reload(), without waiting for it."""
        self.write(roles)
        self.broker.reload()

    def reload(self, roles):
        with self.changing():
            self.signal(roles)


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

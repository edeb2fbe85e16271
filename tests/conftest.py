# SPDX-License-Identifier: Apache-2.0
"""What every test may ask for. Topics and client identifiers are unique to each test, so the
tests share brokers and may run side by side."""

import itertools
import os
import pathlib
import sys
import uuid

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from support import broker as brokers  # noqa: E402
from support.client import RawClient  # noqa: E402

NAMES = itertools.count()
RUN = uuid.uuid4().hex[:6]

# Modules that keep a worker for a minute: begun last, the others would wait for them in the end.
LONG = ("test_611_", "test_541_", "test_270_", "test_410_", "test_610_", "test_614_", "test_340_",
        "test_601_", "test_411_", "test_330_", "test_612_", "test_620_")


# "0/2": only every second module of the scenarios, from the first one on; all that are no scenarios stay.
PART = os.environ.get("TACIT_TEST_PART")


def place_of(path):
    """The order of LONG, then that of their names."""
    return next((i for i, name in enumerate(LONG) if path.name.startswith(name)), len(LONG))


def scenarios_of(part):
    """Long ones in turns, so that all parts take about as long."""
    which, parts = map(int, part.split("/"))
    folder = pathlib.Path(__file__).parent / "scenario"
    modules = sorted(sorted(folder.glob("test_*.py")), key=place_of)
    return set(modules[which::parts])


def pytest_collection_modifyitems(config, items):
    items.sort(key=lambda item: place_of(item.path))
    if PART is None:
        return
    chosen = scenarios_of(PART)
    kept, left_out = [], []
    for item in items:
        stays = item.path.parent.name != "scenario" or item.path in chosen
        (kept if stays else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = kept


@pytest.fixture(scope="session")
def fleet():
    found = brokers.Fleet()
    yield found
    found.close()


@pytest.fixture
def unique():
    """unique("a") is a name no other test uses; the same word gives the same name in one test."""
    mine = f"{RUN}{next(NAMES):x}"
    return lambda word="x": f"{mine}{word}"


@pytest.fixture
def variant():
    """Starts a broker of this test's own: variant(settings={...}, shards=2)."""
    started = []

    def start(**options):
        started.append(brokers.Broker(**options))
        return started[-1].start()

    yield start
    failures = []
    for one in started:
        try:
            one.stop()
        except brokers.BrokerFailure as failure:
            failures.append(str(failure))
        one.folder.cleanup()
    assert not failures, "\n\n".join(failures)


@pytest.fixture
def clients():
    """clients(broker, version) is a connected socket that sent nothing; closed after the test."""
    opened = []

    def new(to, version=5, **more):
        opened.append(RawClient(to.host, to.port, version, **more))
        return opened[-1]

    yield new
    for one in opened:
        one.close()


@pytest.fixture
def raw(broker, clients):
    """raw(version): a TCP connection to the broker of this test."""
    return lambda version=5, **more: clients(broker, version, **more)


@pytest.fixture
def client(raw, unique):
    """client(version, "name"): connected, with an identifier of this test's own."""
    names = itertools.count()

    def new(version=5, name=None, clean=True, **more):
        name = f"c{next(names)}" if name is None else name
        return raw(version).open(unique(name), clean, **more)

    return new


class Witness:
    """A client that has nothing to do with what the test does to the broker."""

    def __init__(self, broker):
        self.broker, self.process = broker, broker.process
        self.topic, self.count = f"witness/{uuid.uuid4().hex}", 0
        self.client = RawClient(broker.host, broker.port, 5).open(f"w{uuid.uuid4().hex[:16]}")
        self.client.subscribe(self.topic, qos=1)

    def check(self):
        self.count += 1
        payload = str(self.count).encode()
        assert self.broker.alive(), f"the broker died:\n{self.broker.log()[-8000:]}"
        self.client.publish(self.topic, payload, qos=1)
        self.client.message(payload=payload)


@pytest.fixture(scope="session")
def witnesses():
    known = {}
    yield known
    for witness in known.values():
        witness.client.close()


@pytest.fixture
def unharmed(broker, witnesses):
    """After the test another client of the same broker is still served."""
    witness = witnesses.get(broker.port)
    if witness is None or witness.process is not broker.process:
        witness = witnesses[broker.port] = Witness(broker)
    yield
    try:
        witness.check()
    except BaseException:
        del witnesses[broker.port]
        raise

# SPDX-License-Identifier: Apache-2.0
"""Strangers' clients over mutual TLS against the secure broker, in 3.1.1 and 5.0."""

import pathlib
import sys
import time
import warnings

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import runner  # noqa: E402
from support.broker import FOREIGN, TACIT  # noqa: E402
from support.secure import House  # noqa: E402

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacitd and tacit")
NAMES = list(runner.CLIENTS)
TOPIC = "devices/lamp/set"


@pytest.fixture(scope="module", params=["tls-detach = off\n", None],
                ids=["openssl", "detached"])
def house(request):
    """Once with connections that leave OpenSSL before their first message comes."""
    with House(request.param) as one:
        one.add("lamp", "device")
        one.add("panel", "controller")
        yield one


@pytest.fixture(scope="module")
def commands():
    known = {}

    def get(name):
        if name not in known:
            try:
                known[name] = runner.CLIENTS[name]()
            except runner.Missing as why:
                known[name] = why
        if isinstance(known[name], Exception):
            warnings.warn(f"NOT TESTED: {name}: {known[name]}")
            pytest.skip(f"NOT TESTED: {name}: {known[name]}")
        return known[name]
    return get


def arguments(house, version, qos):
    def of(act):
        name = "lamp" if act == "sub" else "panel"
        return [version, "localhost", house.broker.port, *house.files(name), name, TOPIC, qos]
    return of


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("version", ["311", "5"])
@pytest.mark.parametrize("name", NAMES)
def test_foreign_clients_meet(house, commands, name, version, qos):
    """[MQTT-7.0.0-2] [MQTT-7.1.2-1] Publisher and subscriber of one library."""
    one = commands(name)
    got = runner.exchange(one, one, arguments(house, version, qos))
    assert got == [str(i) for i in range(20)]


@pytest.mark.parametrize("version", ["311", "5"])
@pytest.mark.parametrize("name", NAMES)
def test_a_stranger_meets_another(house, commands, name, version):
    other = NAMES[(NAMES.index(name) + 1) % len(NAMES)]
    got = runner.exchange(commands(name), commands(other), arguments(house, version, 1))
    assert got == [str(i) for i in range(20)]


@pytest.mark.parametrize("version", ["311", "5"])
@pytest.mark.parametrize("name", NAMES)
def test_every_client_gives_a_sign_of_life(house, commands, name, version):
    """Promise I5 rests on it: a PUBREL for a number that is not in use is answered with PUBCOMP."""
    device = f"{name.replace('.', '-')}-{version}"
    house.add(device, "device")
    reader = runner.Party(commands(name), ["sub", version, "localhost", house.broker.port,
                                           *house.files(device), device, f"devices/{device}/set",
                                           1, 1])
    clone = None
    try:
        reader.wait_ready()
        since = time.monotonic()
        clone = house.connect(device, source="127.0.0.2").open(device)
        assert time.monotonic() - since < 0.6
        clone.expect_nothing()
        assert f'client "{device}" has a clone' in house.broker.log()
        assert reader.process.poll() is None
    finally:
        reader.process.kill()
        reader.process.wait()
        if clone is not None:
            clone.close()

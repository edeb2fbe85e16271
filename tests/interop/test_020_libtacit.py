# SPDX-License-Identifier: Apache-2.0
"""libtacit over mutual TLS, both versions, all QoS: against tacitd, and against Debian's mosquitto
with the same certificates. The programs are `tacit pub`, `tacit sub` and an example."""

import pytest

from support.broker import FOREIGN, TACIT
from support.examples import EXAMPLES, output, start  # noqa: F401
from support.mosquitto import port  # noqa: F401
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists() or not EXAMPLES.exists(),
                                reason="about tacit and its library")


@pytest.fixture(scope="module", params=["tls-detach = off\n", None],
                ids=["openssl", "detached"])
def house(request):
    with House(request.param) as one:
        one.add("probe", "device")
        one.add("panel", "controller")
        yield one


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("version", ["5", "311"])
def test_a_message_arrives(house, port, version, qos):  # noqa: F811
    """Kept by the broker for who subscribes later, so nobody has to be there first."""
    topic, text = "devices/probe/state", f"version {version}, QoS {qos}"
    common = ("--port", port, "-V", version, "-q", qos)
    house.tacit("pub", "--as", "probe", *common, "--retain", topic, text)
    assert house.tacit("sub", "--as", "panel", *common, "-C", 1, topic).stdout == text + "\n"


def test_a_device_delivers(start, port):  # noqa: F811
    """Aliases and several messages a record, as the server allows them."""
    assert "delivered 199\n" in output(start("sensor", "probe", 200, 0, port=port))

# SPDX-License-Identifier: Apache-2.0
"""libtacit over mutual TLS, both versions, all QoS: against tacitd, and against Debian's mosquitto
with the same certificates. The programs are `tacit pub`, `tacit sub` and an example."""

import shutil

import pytest

from support.broker import FOREIGN, TACIT, Broker
from support.examples import EXAMPLES, output, start  # noqa: F401
from support.secure import House

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
CONFIGURATION = """listener {port} 127.0.0.1
user root
require_certificate true
allow_anonymous true
cafile {folder}/trusted.crt
certfile {state}/server/server.crt
keyfile {state}/server/server.key
log_type error
log_type warning
"""
pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists() or not EXAMPLES.exists(),
                                reason="about tacit and its library")


class Mosquitto(Broker):
    """Debian's, with the authority and the certificate of a house."""

    def __init__(self, house):
        super().__init__(tls=True)
        self.house = house

    def command(self):
        folder, authority = self.config_file.parent, self.house.state / "ca"
        (folder / "trusted.crt").write_text(
            (authority / "ca.crt").read_text() + (authority / "root.crt").read_text())
        self.config_file.write_text(CONFIGURATION.format(port=self.port, folder=folder,
                                                         state=self.house.state))
        return [MOSQUITTO, "-c", str(self.config_file)]


@pytest.fixture(scope="module")
def house():
    with House() as one:
        one.add("probe", "device")
        one.add("panel", "controller")
        yield one


@pytest.fixture(scope="module", params=["tacitd", "mosquitto"])
def port(request, house):
    if request.param == "tacitd":
        yield house.broker.port
        return
    if not MOSQUITTO:
        pytest.skip("NOT TESTED: mosquitto is not installed (tools/install-deps test)")
    with Mosquitto(house) as one:
        yield one.port


@pytest.mark.parametrize("qos", [0, 1, 2])
@pytest.mark.parametrize("version", ["5", "311"])
def test_a_message_arrives(house, port, version, qos):
    """Kept by the broker for who subscribes later, so nobody has to be there first."""
    topic, text = "devices/probe/state", f"version {version}, QoS {qos}"
    common = ("--port", port, "-V", version, "-q", qos)
    house.tacit("pub", "--as", "probe", *common, "--retain", topic, text)
    assert house.tacit("sub", "--as", "panel", *common, "-C", 1, topic).stdout == text + "\n"


def test_a_device_delivers(start, port):  # noqa: F811
    """Aliases and several messages a record, as the server allows them."""
    assert "delivered 199\n" in output(start("sensor", "probe", 200, 0, port=port))

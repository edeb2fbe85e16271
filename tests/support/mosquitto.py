# SPDX-License-Identifier: Apache-2.0
"""Debian's mosquitto with the authority and the certificate of a house."""

import shutil

import pytest

from support.broker import Broker

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


class Mosquitto(Broker):
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


@pytest.fixture(scope="module", params=["tacitd", "mosquitto"])
def port(request, house):
    """That of the house's broker, and of a mosquitto that trusts the same."""
    if request.param == "tacitd":
        yield house.broker.port
        return
    if not MOSQUITTO:
        pytest.skip("NOT TESTED: mosquitto is not installed (tools/install-deps test)")
    with Mosquitto(house) as one:
        yield one.port

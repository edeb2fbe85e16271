# SPDX-License-Identifier: Apache-2.0
"""libtacit with a key of each level (plain file, sealed, PKCS#11, TPM), in both versions: against
tacitd, where it was enrolled, and against Debian's mosquitto, which trusts the same authority."""

import pytest

from support.broker import FOREIGN, TACIT
from support.device import LEVELS, Machine, enrol, level, stores
from support.hardware import Token, Tpm
from support.mosquitto import port  # noqa: F401
from support.secure import House

pytestmark = pytest.mark.skipif(FOREIGN or not TACIT.exists(), reason="about tacit")


@pytest.fixture(scope="module")
def house():
    with House() as one:
        one.add("panel", "controller")
        yield one


@pytest.fixture(scope="module")
def machine(house, tmp_path_factory):
    """With a device of each level."""
    folder = tmp_path_factory.mktemp("machine")
    tpm, token = Tpm(folder / "tpm"), Token(folder / "hsm")
    try:
        one = Machine(folder / "m", tpm, token)
        for kind in LEVELS:
            enrol(house, one, f"key-{kind}", stores(token, f"key-{kind}")[kind], role="device")
            assert level(house, f"key-{kind}") == kind
        yield one
    finally:
        tpm.close()


@pytest.mark.parametrize("version", ["5", "311"])
@pytest.mark.parametrize("kind", LEVELS)
def test_a_message_arrives(house, machine, port, version, kind):  # noqa: F811
    topic, text = f"devices/key-{kind}/state", f"version {version}, key {kind}"
    common = ("--port", port, "-V", version, "-q", 1)
    machine.tacit("pub", "--as", f"key-{kind}", *common, "--retain", topic, text)
    assert house.tacit("sub", "--as", "panel", *common, "-C", 1, topic).stdout == text + "\n"

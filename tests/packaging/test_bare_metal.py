# SPDX-License-Identifier: Apache-2.0
"""The device without an operating system: built for a Cortex-M4, run by QEMU, its serial line
connected to a tacitd on loopback."""

import subprocess

import pytest

from support.broker import FOREIGN, ROOT, Broker
from support.client import RawClient
from support.patience import patience

pytestmark = pytest.mark.skipif(FOREIGN, reason="about libtacit")


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bare-metal")
    subprocess.run([str(ROOT / "examples/bare-metal/build"), str(folder)], check=True,
                   stdin=subprocess.DEVNULL, timeout=patience(120))
    return folder / "device.elf"


@pytest.fixture(scope="module")
def broker():
    with Broker() as one:
        yield one


@pytest.fixture
def device(image, broker):
    """The board, switched on."""
    process = subprocess.Popen(
        ["qemu-system-arm", "-M", "mps2-an386", "-display", "none", "-monitor", "none", "-kernel",
         str(image), "-semihosting-config", "enable=on,target=native",
         "-chardev", f"socket,id=line,host={broker.host},port={broker.port}",
         "-serial", "chardev:line"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    yield process
    if process.poll() is None:
        process.kill()
    process.communicate()


def test_a_device_without_an_operating_system(broker, request):
    """Connects, subscribes, receives, publishes with QoS 1, and says goodbye."""
    panel = RawClient(broker.host, broker.port).open("panel")
    panel.subscribe("devices/board/state", qos=1)
    device = request.getfixturevalue("device")
    wait = patience(60)
    panel.message(timeout=wait, payload=b"ready")
    for number in range(20):
        command = b"position %d" % number
        panel.publish("devices/board/set", command, qos=1)
        panel.message(timeout=wait, payload=command)
    panel.publish("devices/board/set", b"end", qos=1)
    panel.message(timeout=wait, payload=b"end")
    text, _ = device.communicate(timeout=wait)
    assert device.returncode == 0, text
    assert text == "up\n" + 22 * "delivered\n" + "stopped\n"
    panel.close()

# SPDX-License-Identifier: Apache-2.0
"""The commands about speed: their configurations are accepted and say what they claim. The load
generator is not installed with the project, so what needs it is not tried here."""
import subprocess

import pytest
from support.broker import FOREIGN, ROOT, TACITD
from support.patience import patience

pytestmark = pytest.mark.skipif(FOREIGN, reason="about tacitd")


@pytest.fixture(scope="module", name="certificates")
def fixture_certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certs")
    subprocess.run([ROOT / "bench" / "certs", folder], check=True, timeout=patience(60))
    return folder


@pytest.mark.parametrize("name", ["secure.conf", "headline.conf"])
def test_a_configuration_beside_its_certificates_is_accepted(certificates, name):
    done = subprocess.run([TACITD, "--check", "--config", certificates / name],
                          capture_output=True, text=True, timeout=patience(30), check=False)
    assert done.returncode == 0, done.stderr


def test_commands_without_the_generator_say_so(tmp_path):
    done = subprocess.run([ROOT / "bench" / "run", "headline"], env={"TACIT_SHARED": str(tmp_path),
                          "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=patience(30),
                          check=False)
    assert (done.returncode, '"skipped"' in done.stdout) == (0, True), done.stderr

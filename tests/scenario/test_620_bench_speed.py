# SPDX-License-Identifier: Apache-2.0
"""The commands about speed: their configurations are accepted and say what they claim. The load
generator is not installed with the project, so what needs it is not tried here."""
import importlib
import json
import os
import subprocess

import pytest
from support.broker import ROOT, TACITD
from support.marks import only_tacit, seen_elsewhere
from support.patience import patience

pytestmark = [only_tacit, seen_elsewhere]


@pytest.fixture(scope="module", name="certificates")
def fixture_certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certs")
    subprocess.run([ROOT / "bench" / "certs", folder], check=True, timeout=patience(60))
    return folder


@pytest.fixture(name="like_for_like")
def fixture_like_for_like(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    return importlib.import_module("like_for_like")


@pytest.mark.parametrize("name", ["secure.conf", "headline.conf"])
def test_a_configuration_beside_its_certificates_is_accepted(certificates, name):
    done = subprocess.run([TACITD, "--check", "--config", certificates / name],
                          capture_output=True, text=True, timeout=patience(30), check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["headline", "like-for-like", "idle", "storm", "shards", "flame", "parts"])
def test_commands_without_the_generator_say_so(tmp_path, command):
    done = subprocess.run([ROOT / "bench" / "run", command], env={"TACIT_SHARED": str(tmp_path),
                          "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, timeout=patience(30),
                          check=False)
    assert (done.returncode, '"skipped"' in done.stdout) == (0, True), done.stderr


@pytest.mark.parametrize("figures, of, bound, want, met", [
    ({"tacitd": 30, "floor": 100}, "floor", "at_least", .25, True),
    ({"tacitd": 20, "floor": 100}, "floor", "at_least", .25, False),
    ({"tacitd": 111, "floor": 100}, "floor", "at_most", 1.1, False),
    ({"tacitd": 900, "floor": 700}, "itself", "at_most", 900, True),
    ({"tacitd": 500}, "floor", "at_least", .25, False),
    ({"tacitd": 500, "floor": 100}, "floor", "at_most", None, None),
])
def test_a_row_is_met_by_what_it_says(like_for_like, figures, of, bound, want, met):
    row = like_for_like.Row("name", "args", "unit", figures, want, bound, of)
    assert row.report()["ok"] is met
    row.faults.append("a message was lost")
    assert row.report()["ok"] is False


@pytest.mark.skipif(os.cpu_count() < 2, reason="it is measured on the second core")
def test_a_small_million_keeps_every_session_and_message():
    """The program looks after that by itself, and ends if it is not so."""
    done = subprocess.run([ROOT / "bench" / "run", "million", "--short"], capture_output=True,
                          text=True, timeout=patience(120), check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["messages"] == report["messages_per_s"] * report["simulated_s"]
    assert report["start_subscriptions"] == 10 * report["offline_sessions"]


def storm_run(quiet_us, storm_us):
    latency = {"p50": 1.0, "p99": 2.0}
    return {"quiet": {"latency_us": latency | {"p999": quiet_us}},
            "storm": {"latency_us": latency | {"p999": storm_us}, "broker": {"cpu_util": .5}},
            "came": {"connections_per_s": 499.0}}


def test_a_storm_is_compared_with_the_quiet_before_it(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    storm = importlib.import_module("storm")
    runs = [storm_run(100, 200), storm_run(100, 300), storm_run(100, 900)]
    assert storm.summary(runs)["p999_ratio"] == 3
    assert not list(storm.faults_of("tacitd", runs[0], 500))
    assert len(list(storm.faults_of("tacitd", runs[0], 1000))) == 1
    assert len(list(storm.faults_of("tacitd", {"quiet": {}, "storm": {}, "came": {}}, 500))) == 3


def test_connections_that_cost_the_same_grow_by_one(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    idle = importlib.import_module("idle")
    rows = [{"connections": count, "tacitd": {"rss": 700.0}} for count in (5000, 10000, 19000)]
    idle.set_added(rows)
    assert idle.growth(rows) == 1
    rows[2]["tacitd"]["rss"] = 1400.0
    idle.set_added(rows)
    assert idle.growth(rows) > 3
    assert idle.growth(rows[:1]) is None

"""The demo, as people run it."""

from __future__ import annotations

import importlib.util
import json
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

DEMO = Path(__file__).parents[1] / "examples" / "kinto_demo.py"


@pytest.fixture
def demo() -> ModuleType:
    spec = importlib.util.spec_from_file_location("kinto_demo", DEMO)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(DEMO), *arguments]
    return subprocess.run(command, capture_output=True, check=False, encoding="utf-8", timeout=50)


def test_it_tells_what_it_does_and_shows_the_lines_that_do_it():
    ended = run("--count", "250")
    assert (ended.returncode, ended.stderr) == (0, "")
    source = DEMO.read_text(encoding="utf-8")
    shown = [line.strip() for line in ended.stdout.splitlines() if line.startswith("     ")]
    for line in ("batch.create_record(data=character)", "client.patch_record(original=character, changes=changes)"):
        assert line in shown
        assert line in source
    assert re.findall(r"^\d\.", ended.stdout, re.MULTILINE) == ["1.", "2.", "3.", "4.", "5.", "6.", "7."]
    assert "[##############################]    250 of 250" in ended.stdout
    assert "KintoException: PUT /v1/buckets/unicode/" in ended.stdout
    assert "What came back is as it was pushed." in ended.stdout
    assert "\r" not in ended.stdout  # no terminal


def test_its_summary_can_be_read_by_a_machine():
    ended = run("--count", "120", "--json")
    assert ended.returncode == 0
    summary = json.loads(ended.stdout)
    assert {name: summary[name] for name in ("records", "refused", "differences", "ok")} == {
        "records": 120,
        "refused": 412,
        "differences": 0,
        "ok": True,
    }
    assert summary["patched"] > 0
    assert summary["push_seconds"] > 0
    assert "What came back" in ended.stderr


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda record: record | {"name": "?"}, "name is '?', was pushed as 'SPACE'"),
        (lambda record: None, "U0020: missing"),
        (lambda record: record | {"id": "U0021x"}, "U0021x: never pushed"),
    ],
    ids=["changed", "lost", "strange"],
)
def test_it_fails_when_something_else_comes_back(demo, monkeypatch, capsys, spoil, told):
    pull = demo.pull

    def spoilt(client):
        for record in pull(client):
            changed = spoil(record) if record["id"] == "U0020" else record
            if changed is not None:
                yield changed

    monkeypatch.setattr(demo, "pull", spoilt)
    assert demo.main(["--count", "20"]) == 1
    said = capsys.readouterr().out
    assert told in said
    assert "is NOT as it was pushed" in said


def test_a_record_that_comes_twice_is_a_difference(demo):
    record = demo.as_record("A")
    assert list(demo.differences({"U0041": record}, [record, record])) == ["U0041: came twice"]


def test_all_named_characters_are_more_than_34_000(demo):
    records = demo.named_characters()
    assert len(records) > 34_000
    assert len({record["id"] for record in records}) == len(records)
    assert demo.as_record("½")["numeric"] == 0.5
    assert [record["id"] for record in demo.sample(records, 2)] == ["U0020", records[len(records) // 2]["id"]]


def test_ctrl_c_stops_it_and_its_server():
    with subprocess.Popen(
        [sys.executable, str(DEMO)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = "".join(iter(lambda: process.stdout.readline().partition("3. Push")[0], ""))
        server = re.search(r"127\.0\.0\.1:(\d+)", said)
        assert server is not None
        time.sleep(0.3)  # amid the first batches
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, "")
    assert rest.endswith("Stopped; the server is gone too.\n")
    assert not is_listening(int(server[1]))


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("count", ["0", "-3", "many"])
def test_a_count_that_is_none_is_refused(count):
    ended = run("--count", count)
    assert ended.returncode == 2
    assert "--count" in ended.stderr

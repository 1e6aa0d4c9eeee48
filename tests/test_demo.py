"""The demo, as people run it: a tour of all clients."""

from __future__ import annotations

import importlib
import importlib.util
import io
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

TOUR = Path(__file__).parents[1] / "examples" / "tour"
CLIENTS = ("kinto", "keystone", "sequoia", "rest")
COMMAND = [sys.executable, "-W", "error", str(TOUR)]


@pytest.fixture
def tour(monkeypatch) -> ModuleType:
    """The module that runs the parts, which can be imported."""
    monkeypatch.syspath_prepend(TOUR)
    spec = importlib.util.spec_from_file_location("tour", TOUR / "__main__.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def part(name: str) -> ModuleType:
    return importlib.import_module(f"{name}_tour")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], capture_output=True, check=False, encoding="utf-8", timeout=200)


@pytest.fixture(scope="module")
def whole() -> subprocess.CompletedProcess[str]:
    """The whole tour with few records: the summary is in `stdout`, the talk in `stderr`."""
    return run("--count", "250", "--json")


def shown(said: str) -> list[str]:
    """The lines of Python in it, which follow the titles of steps."""
    blocks = re.findall(r"^\d+\. .*\n\n((?: {5}.*\n|\n)+)", said, re.MULTILINE)
    return [line.strip() for block in blocks for line in block.splitlines() if line]


def test_all_clients_do_their_job_in_numbered_steps(whole):
    assert whole.returncode == 0
    said = whole.stderr
    numbers = [int(number) for number in re.findall(r"^(\d+)\. ", said, re.MULTILINE)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(re.findall("^=+$", said, re.MULTILINE)) == len(CLIENTS)
    assert "[##############################]    250 of 250" in said
    assert "KintoException: PUT /v1/buckets/unicode/" in said
    assert "[ok] what came back is what was pushed and changed" in said
    assert re.search(
        r"^(\d+) of \1 checks were right\. The sandbox is stopped\. That took \d+ s\.$", said, re.MULTILINE
    )
    assert "\r" not in said  # no terminal
    assert max(map(len, said.splitlines())) <= 120
    assert "Traceback" not in said


def test_the_lines_that_are_shown_are_those_that_run(whole):
    lines = shown(whole.stderr)
    for line in (
        "batch.create_record(data=character)",
        "client.patch_record(original=character, changes=changes)",
        "return await asyncio.gather(*[client.retrieve_allocation(pk=number) for number in numbers])",
        'return ClientCredentialsAuth(url, provider.url, "service", "service-secret")',
    ):
        assert line in lines
    sources = {line.strip() for path in TOUR.glob("*.py") for line in path.read_text(encoding="utf-8").splitlines()}
    assert len(lines) > 60
    assert [line for line in lines if line not in sources] == []


def test_the_summary_can_be_read_by_a_machine(whole):
    summary = json.loads(whole.stdout)
    assert summary.keys() == {"ok", "checks", "seconds", *CLIENTS}
    assert summary["ok"] is True
    kinto = summary["kinto"]
    assert (kinto["records"], kinto["looked_up"], kinto["refused"], kinto["differences"]) == (250, 250, 412, 0)
    assert kinto["patched"] > 0
    assert kinto["push_seconds"] > 0
    assert summary["keystone"]["requests"] == {"blocking": 100, "awaited": 100, "batched": 1}
    assert (summary["sequoia"]["films"], summary["sequoia"]["tries"]) == (6, 4)
    assert summary["rest"]["refused"] == [400, 403, 404]


@pytest.mark.parametrize("name", CLIENTS)
def test_one_client_alone_starts_only_what_it_needs(name, tour):
    ended = run("--only", name, "--count", "50", "--json")
    assert ended.returncode == 0
    summary = json.loads(ended.stdout)
    assert summary.keys() == {"ok", "checks", "seconds", name}
    assert summary["ok"] is True
    assert f"this machine: {', '.join(part(name).SERVICES)} ..." in ended.stderr
    assert f"\n{part(name).TITLE}\n" in ended.stderr
    assert summary["checks"] == ended.stderr.count("[ok]")


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda record: record | {"name": "?"}, "name is '?', was pushed as 'SPACE'"),
        (lambda record: None, "U0020: missing"),
        (lambda record: record | {"id": "U0021x"}, "U0021x: never pushed"),
    ],
    ids=["changed", "lost", "strange"],
)
def test_it_fails_when_something_else_comes_back(tour, monkeypatch, capsys, spoil, told):
    kinto = part("kinto")
    pull = kinto.pull

    def spoilt(client):
        for record in pull(client):
            changed = spoil(record) if record["id"] == "U0020" else record
            if changed is not None:
                yield changed

    monkeypatch.setattr(kinto, "pull", spoilt)
    assert tour.main(["--only", "kinto", "--count", "20"]) == 1
    said = capsys.readouterr().out
    assert told in said
    assert "[WRONG] It is not so: what came back is what was pushed and changed" in said
    assert "3 of 4 checks were right." in said


@pytest.mark.parametrize(
    ("name", "function", "wrong"),
    [
        ("keystone", "batched", lambda client, numbers: []),
        ("sequoia", "be_late", lambda sequoia: None),
        ("rest", "not_allowed", lambda api: None),
    ],
)
def test_it_fails_when_a_client_does_not_do_its_job(tour, monkeypatch, capsys, name, function, wrong):
    monkeypatch.setattr(part(name), function, wrong)
    assert tour.main(["--only", name]) == 1
    assert capsys.readouterr().out.count("[WRONG]") == 1


def test_a_record_that_comes_twice_is_a_difference(tour):
    kinto = part("kinto")
    record = kinto.as_record("A")
    assert list(kinto.differences({"U0041": record}, [record, record])) == ["U0041: came twice"]


def test_all_named_characters_are_more_than_34_000(tour):
    kinto = part("kinto")
    records = kinto.named_characters()
    assert len(records) > 34_000
    assert len({record["id"] for record in records}) == len(records)
    assert kinto.as_record("\N{VULGAR FRACTION ONE HALF}")["numeric"] == 0.5
    assert [record["id"] for record in kinto.sample(records, 2)] == ["U0020", records[len(records) // 2]["id"]]


def test_kinto_alone_gets_all_of_them_and_fewer_in_the_tour(tour, monkeypatch):
    runs = []
    monkeypatch.setattr(tour, "run", lambda screen, names, count: runs.append((names, count)) or {"ok": True})
    for arguments in (["--only", "kinto"], [], ["--only", "rest", "kinto"], ["--count", "7"]):
        assert tour.main(arguments) == 0
    assert runs == [
        (["kinto"], None),
        (list(CLIENTS), tour.COUNT),
        (["rest", "kinto"], tour.COUNT),
        (list(CLIENTS), 7),
    ]


def test_columns_of_numbers_are_set_to_the_right(tour):
    out = io.StringIO()
    rows = [("a", 1234, None, True), ("bcd", 5.5, 7, False)]
    importlib.import_module("screen").Screen(out).table(("name", "size", "more", "is"), rows)
    assert out.getvalue().splitlines() == [
        "   name   size  more  is",
        "   a     1,234     -  yes",
        "   bcd     5.5     7  no",
    ]


def test_ctrl_c_stops_it_and_its_server():
    command = [*COMMAND, "--count", "20000"]  # which it cannot be done with before it is stopped
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        said = "".join(iter(lambda: process.stdout.readline().partition("2. Push")[0], ""))
        server = re.search(r"127\.0\.0\.1:(\d+)", said)
        assert server is not None
        time.sleep(0.3)  # amid the first batches
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=200)
    assert (process.returncode, errors) == (130, "")
    assert rest.endswith("Stopped; the sandbox is gone too.\n")
    assert not is_listening(int(server[1]))


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--count", "0"], "--count"),
        (["--count", "-3"], "--count"),
        (["--count", "many"], "--count"),
        (["--only", "kino"], "'kino'"),
    ],
)
def test_misuse_is_told(arguments, words):
    ended = run(*arguments)
    assert ended.returncode == 2
    assert words in ended.stderr


@pytest.mark.parametrize(
    ("client", "package", "extra"), [("kinto", "kinto_attachment", "kinto"), ("keystone", "sqlalchemy", "sandbox")]
)
def test_what_is_not_installed_is_told(client, package, extra):
    program = (
        f"import runpy, sys; sys.modules[{package!r}] = None; sys.argv[1:] = ['--only', {client!r}]; "
        f"runpy.run_path({str(TOUR)!r}, run_name='__main__')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, text=True, timeout=200)
    assert ended.returncode == 2
    assert f"restwright[{extra}]" in ended.stderr
    assert "Traceback" not in ended.stderr

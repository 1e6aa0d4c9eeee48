"""Push tens of thousands of real records to a real Kinto server, change some, pull them back, and check them.

The records are the characters that the Unicode standard has named one by one.  Python brings them along; CJK
ideographs and Hangul syllables, whose names are computed, are left out.  Before each step you see the lines of Python
that do it.  They are read from this file, so what you see is what runs.

Exit status: 0 if what came back is what was pushed, 1 if not, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import textwrap
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any, TextIO

from kinto_http import Client, KintoException
from kinto_http.patch_type import JSONPatch
from restwright.testing.kinto import KintoServer, kinto_server

Record = dict[str, Any]

COMPUTED_NAMES = ("CJK UNIFIED IDEOGRAPH-", "HANGUL SYLLABLE ")


# --- the steps: what is shown is the body of each function ---------------------------------------------------------


def start() -> AbstractContextManager[KintoServer]:
    # Its memory sorts the whole collection for each page, so pages are large.
    return kinto_server(paginate_by=1000, settings={"kinto.batch_max_requests": 100})


def connect(server: KintoServer) -> Client:
    server.create_account("alice", "p4ssw0rd")
    return Client(server_url=server.url, auth=("alice", "p4ssw0rd"), bucket="unicode", collection="characters")


def create(client: Client) -> None:
    client.create_bucket(if_not_exists=True)
    client.create_collection(if_not_exists=True)


def push(client: Client, characters: Iterable[Record]) -> None:
    with client.batch() as batch:
        for character in characters:
            batch.create_record(data=character)


def find(client: Client) -> list[Record]:
    return client.get_records(category="No", min_numeric=1, _sort="-numeric,name", _limit=8)


def patch(client: Client, found: Iterable[Record]) -> None:
    changes = JSONPatch([{"op": "add", "path": "/data/tags", "value": ["number"]}])
    for character in found:
        client.patch_record(original=character, changes=changes)


def conflict(client: Client, contested: str) -> Record:
    mine = client.get_record(contested)["data"]
    theirs = client.get_record(contested)["data"]
    client.update_record(data={**theirs, "note": "theirs came first"})
    return client.update_record(data={**mine, "note": "mine came second"})


def pull(client: Client) -> Iterator[Record]:
    for page in client.records().pages():
        yield from page.items


# --- the records ---------------------------------------------------------------------------------------------------


def named_characters() -> list[Record]:
    """Every character that has a name of its own, as a record."""
    named = ((char, unicodedata.name(char, "")) for char in map(chr, range(sys.maxunicode + 1)))
    return [as_record(char) for char, name in named if name and not name.startswith(COMPUTED_NAMES)]


def as_record(char: str) -> Record:
    point = ord(char)
    record: Record = {
        "id": f"U{point:04X}",
        "code_point": point,
        "char": char,
        "name": unicodedata.name(char),
        "category": unicodedata.category(char),
        "bidirectional": unicodedata.bidirectional(char),
        "combining": unicodedata.combining(char),
        "east_asian_width": unicodedata.east_asian_width(char),
        "mirrored": bool(unicodedata.mirrored(char)),
        "decomposition": unicodedata.decomposition(char).split(),
        "plane": point >> 16,
        "row": f"U+{point >> 8:02X}xx",
    }
    numeric = unicodedata.numeric(char, None)
    return record if numeric is None else {**record, "numeric": numeric}


def sample(records: list[Record], count: int) -> list[Record]:
    """So many of the records, from all parts of the list."""
    return [records[number * len(records) // count] for number in range(count)] if count < len(records) else records


def differences(pushed: dict[str, Record], pulled: Iterable[Record]) -> Iterator[str]:
    """What came back otherwise than it was pushed, a line for each field."""
    missing = set(pushed)
    for record in pulled:
        name = record["id"]
        expected = pushed.get(name)
        if expected is None or name not in missing:
            yield f"{name}: {'never pushed' if expected is None else 'came twice'}"
            continue
        missing.remove(name)
        for field in sorted(expected.keys() | record.keys() - {"last_modified"}):
            if field not in expected or field not in record or expected[field] != record[field]:
                yield f"{name}: {field} is {record.get(field)!r}, was pushed as {expected.get(field)!r}"
    yield from (f"{name}: missing" for name in sorted(missing))


# --- what you see --------------------------------------------------------------------------------------------------


class Screen:
    """Says what happens: a bar that moves on a terminal, a line now and then elsewhere."""

    def __init__(self, out: TextIO) -> None:
        self.out = out
        self.steps = 0

    def say(self, text: str = "") -> None:
        print(text, file=self.out, flush=True)

    def step(self, title: str, *functions: Callable[..., Any]) -> None:
        self.steps += 1
        self.say(f"\n{self.steps}. {title}\n")
        for function in functions:
            self.say(textwrap.indent(body_of(function), "     "))
        self.say()

    def progress(self, items: Iterable[Record], total: int) -> Iterator[Record]:
        begun = time.perf_counter()
        moves = self.out.isatty()
        shown = begun - 1.0 if moves else begun
        for done, item in enumerate(items):
            now = time.perf_counter()
            if now - shown > (0.1 if moves else 5.0):
                shown = now
                self._show(done, total, now - begun, end="" if moves else "\n")
            yield item
        self._show(total, total, time.perf_counter() - begun, end="\n")

    def _show(self, done: int, total: int, seconds: float, *, end: str) -> None:
        rate = done / seconds if seconds else 0.0
        bar = ("#" * (30 * done // total)).ljust(30, ".")
        left = f"{(total - done) / rate:3.0f} s left" if 0 < done < total else f"in {seconds:.1f} s" if done else ""
        line = f"   [{bar}] {done:6,} of {total:,}  {rate:6,.0f}/s  {left}"
        print(f"\r{line:76}" if self.out.isatty() else line, end=end, file=self.out, flush=True)

    def table(self, records: Iterable[Record]) -> None:
        self._row("id", "numeric", "tags", "name", "char")
        for r in records:
            self._row(r["id"], f"{r['numeric']:,.15g}", ", ".join(r.get("tags", [])), r["name"], r["char"])

    def _row(self, point: str, numeric: str, tags: str, name: str, char: str) -> None:
        self.say(f"   {point:<8}{numeric:>17}  {tags:<8}{name:<45} {char}".rstrip())


def body_of(function: Callable[..., Any]) -> str:
    """The lines of a function without its `def`."""
    _, _, body = inspect.getsource(function).partition(":\n")
    return textwrap.dedent(body).rstrip()


# --- the demo ------------------------------------------------------------------------------------------------------


def run(screen: Screen, count: int | None) -> dict[str, Any]:
    """All steps; what they came to."""
    began = time.perf_counter()
    records = named_characters()
    records = records if count is None else sample(records, count)
    screen.say(
        f"{len(records):,} named characters of Unicode {unicodedata.unidata_version}, each a record of 12 fields or 13"
    )

    screen.step("Start a Kinto server on a free port, with everything in memory, and connect to it", start, connect)
    with start() as server, connect(server) as client:
        info = client.server_info()
        screen.say(f"   Kinto {info['project_version']} answers at {server.url}")
        summary = visit(screen, client, {record["id"]: record for record in records})
    screen.say("   The server is stopped.")
    return {
        **summary,
        "unicode": unicodedata.unidata_version,
        "kinto": info["project_version"],
        "seconds": round(time.perf_counter() - began, 3),
        "client_cpu_seconds": round(time.process_time(), 3),
    }


def visit(screen: Screen, client: Client, records: dict[str, Record]) -> dict[str, Any]:
    total = len(records)
    screen.step("Create a bucket and a collection", create)
    create(client)
    screen.say(f"   {client.get_endpoint('collection')} is there.")

    screen.step(f"Push {total:,} records; full batches go out as they fill", push)
    pushing = timed(lambda: push(client, screen.progress(records.values(), total)))

    screen.step("List some: a filter and a sort, done by the server", find)
    found = find(client)
    screen.table(found)

    screen.step("Change these with a JSON patch, each only if nobody else has changed it", patch)
    patch(client, found)
    for character in found:
        records[character["id"]] = {**records[character["id"]], "tags": ["number"]}
    screen.table(find(client))

    screen.step("Let two people change the same record: the second is refused", conflict)
    contested = next(iter(records))
    refused = refusal(screen, client, contested)
    records[contested] = {**records[contested], "note": "theirs came first"}

    screen.step("Pull everything back, page by page, and check it field by field", pull)
    wrong: list[str] = []
    pulling = timed(lambda: wrong.extend(differences(records, screen.progress(pull(client), total))))
    for line in wrong[:10]:
        screen.say(f"   {line}")
    verdict = "is as it was pushed" if not wrong else f"is NOT as it was pushed: {len(wrong):,} differences"
    screen.say(f"\n   What came back {verdict}.")
    rates = f"pushed at {total / pushing:,.0f}/s, pulled and checked at {total / pulling:,.0f}/s"
    screen.say(f"   {total:,} records {rates}.")
    return {
        "records": total,
        "patched": len(found),
        "refused": refused,
        "differences": len(wrong),
        "push_seconds": round(pushing, 3),
        "pull_seconds": round(pulling, 3),
        "ok": not wrong and refused == 412,
    }


def refusal(screen: Screen, client: Client, contested: str) -> int | None:
    """The status that the second of two concurrent changes is refused with; None if it was not."""
    try:
        conflict(client, contested)
    except KintoException as error:
        screen.say(textwrap.fill(f"KintoException: {error}", 110, initial_indent="   ", subsequent_indent="     "))
        status: int = error.response.status_code
        return status
    screen.say("   It was NOT refused.")
    return None


def timed(function: Callable[[], object]) -> float:
    """How many seconds it takes."""
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Push tens of thousands of records to a real Kinto server and back.")
    parser.add_argument("--count", type=positive, help="push so many records instead of all")
    parser.add_argument("--json", action="store_true", help="print a summary as JSON on stdout, and the talk on stderr")
    options = parser.parse_args(arguments)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # not every terminal can show every character
    screen = Screen(sys.stderr if options.json else sys.stdout)
    try:
        summary = run(screen, options.count)
    except KeyboardInterrupt:
        screen.say("\nStopped; the server is gone too.")
        return 130
    if options.json:
        print(json.dumps(summary, indent=2))
    return 0 if summary["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())

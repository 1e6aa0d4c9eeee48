"""kinto_http: push thousands of real records to a real Kinto, change some, pull them back, and check them.

The records are the characters that the Unicode standard has named one by one.  Python brings them along; CJK
ideographs and Hangul syllables, whose names are computed, are left out.
"""

from __future__ import annotations

import asyncio
import sys
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

from screen import Screen, timed

from kinto_http import AsyncClient, Client, KintoException
from kinto_http.patch_type import JSONPatch
from restwright import where
from restwright.sandbox import Sandbox
from restwright.testing.kinto import KintoServer

Record = dict[str, Any]

TITLE = "Kinto: records that many people share"
SERVICES = ("kinto",)
COMPUTED_NAMES = ("CJK UNIFIED IDEOGRAPH-", "HANGUL SYLLABLE ")


# --- what is shown, and runs ---------------------------------------------------------------------------------------


def connect(kinto: KintoServer) -> Client:
    client = Client(server_url=kinto.url, auth=("alice", "p4ssw0rd"), bucket="unicode", collection="characters")
    client.create_bucket(if_not_exists=True)
    client.create_collection(if_not_exists=True)
    return client


def push(client: Client, characters: Iterable[Record]) -> None:
    with client.batch() as batch:
        for character in characters:
            batch.create_record(data=character)


def find(client: Client) -> list[Record]:
    numbers = where("category").is_in(["No", "Nl"]) & (where("numeric") >= 1)
    return client.get_records(numbers, _sort="-numeric,name", _limit=6)


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


async def look_up(kinto: KintoServer, names: Iterable[str]) -> list[Record]:
    login = ("alice", "p4ssw0rd")
    async with AsyncClient(server_url=kinto.url, auth=login, bucket="unicode", collection="characters") as client:
        answers = await asyncio.gather(*[client.get_record(name) for name in names])
    return [answer["data"] for answer in answers]


# --- the steps -----------------------------------------------------------------------------------------------------


def run(screen: Screen, sandbox: Sandbox, count: int | None) -> dict[str, Any]:
    """All steps; what they came to."""
    everything = named_characters()
    records = {record["id"]: record for record in sample(everything, count or len(everything))}
    total = len(records)

    screen.step("Connect to a real Kinto server", connect)
    with connect(sandbox.kinto) as client:
        screen.tell(f"Kinto {client.server_info()['project_version']} answers at {sandbox.kinto.url}")

        of = "" if total == len(everything) else f" of {len(everything):,}"
        screen.step(f"Push {total:,}{of} characters of Unicode; full batches go out as they fill", push)
        _, pushing = timed(lambda: push(client, screen.progress(records.values(), total)))

        screen.step("List some: a filter and a sort, done by the server", find)
        found = find(client)
        show(screen, found)
        expected = largest_numbers(records.values())
        screen.check("these are the ones, by our own count", [one["id"] for one in found] == expected)

        screen.step("Change these with a JSON patch, each only if nobody else has changed it", patch)
        patch(client, found)
        for character in found:
            records[character["id"]] = {**records[character["id"]], "tags": ["number"]}
        show(screen, find(client))

        screen.step("Let two people change the same record: the second is refused", conflict)
        contested = next(iter(records))
        refused = refusal(screen, client, contested)
        screen.check("the second change was refused, with 412", refused == 412)
        records[contested] = {**records[contested], "note": "theirs came first"}

        screen.step("Pull everything back, page by page, and compare it field by field", pull)
        wrong, pulling = timed(lambda: list(differences(records, screen.progress(pull(client), total))))
        for line in wrong[:10]:
            screen.tell(line)
        screen.check("what came back is what was pushed and changed", not wrong)

        names = list(records)[:: max(1, total // 200)]
        screen.step(f"The same client, async: look up {len(names)} of them, all in flight at once", look_up)
        looked_up, looking = timed(lambda: asyncio.run(look_up(sandbox.kinto, names)))
        screen.tell(f"{len(names)} answers in {looking:.1f} s")
        strange = list(differences({name: records[name] for name in names}, looked_up))
        screen.check("each is as it was pulled", not strange)
    return {
        "records": total,
        "looked_up": len(looked_up),
        "patched": len(found),
        "refused": refused,
        "differences": len(wrong),
        "push_seconds": round(pushing, 3),
        "pull_seconds": round(pulling, 3),
    }


def show(screen: Screen, found: Iterable[Record]) -> None:
    rows = ((one["id"], one["numeric"], ", ".join(one.get("tags", [])), one["name"], one["char"]) for one in found)
    screen.table(("id", "numeric", "tags", "name", "char"), rows)


def refusal(screen: Screen, client: Client, contested: str) -> int | None:
    """The status that the second of two concurrent changes is refused with; None if it was not."""
    try:
        conflict(client, contested)
    except KintoException as error:
        screen.tell(f"KintoException: {error}", 200)
        status: int = error.response.status_code
        return status
    return None


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


def largest_numbers(records: Iterable[Record]) -> list[str]:
    """Which records `find` has to find."""
    numbers = [one for one in records if one["category"] in ("No", "Nl") and one.get("numeric", 0) >= 1]
    return [one["id"] for one in sorted(numbers, key=lambda one: (-one["numeric"], one["name"]))[:6]]


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

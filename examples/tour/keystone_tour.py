"""keystone_client: computing time is asked for, reviewed and awarded; and one operation in three ways."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from screen import Screen

from keystone_client import AsyncKeystoneClient, KeystoneClient
from restwright import where
from restwright.errors import Forbidden
from restwright.sandbox import Sandbox
from restwright.sandbox.keystone import KeystoneService

Record = dict[str, Any]

TITLE = "Keystone: who may compute how much"
SERVICES = ("keystone",)


# --- what is shown, and runs ---------------------------------------------------------------------------------------


def log_in(keystone: KeystoneService) -> tuple[KeystoneClient, KeystoneClient]:
    robin, admin = KeystoneClient(keystone.url), KeystoneClient(keystone.url)
    robin.login("user", "user-secret")
    admin.login("admin", "admin-secret")
    return robin, admin


def find(robin: KeystoneClient) -> list[Record]:
    large = where("awarded").between(100_000, 150_000) & (where("request__status") == "AP")
    return robin.retrieve_allocation(filters=large, order="-awarded")


def ask(robin: KeystoneClient) -> tuple[Record, Record, Record]:
    me = robin.whoami()
    team = me["_membership"][0]["team"]
    [atlas] = robin.retrieve_cluster(filters={"name": "atlas"})
    request = robin.create_request(title="Ice cores", description="Flow of ice", team=team, submitter=me["id"])
    allocation = robin.create_allocation(request=request["id"], cluster=atlas["id"], requested=50_000)
    plan = robin.create_attachment(request=request["id"], files={"file": ("plan.txt", b"Model, then compute.")})
    return request, allocation, plan


def approve(client: KeystoneClient, request: Record, allocation: Record) -> None:
    client.create_review(request=request["id"], status="AP")
    client.update_allocation(allocation["id"], {"awarded": 40_000})
    client.update_request(request["id"], {"status": "AP"})


def be_far_away(keystone: KeystoneService) -> None:
    keystone.behave(delay=0.01)  # seconds for each request


def blocking(client: KeystoneClient, numbers: Sequence[int]) -> list[Record]:
    # blocking
    return [client.retrieve_allocation(pk=number) for number in numbers]


async def awaited(client: AsyncKeystoneClient, numbers: Sequence[int]) -> list[Record]:
    # awaited
    return await asyncio.gather(*[client.retrieve_allocation(pk=number) for number in numbers])


def batched(client: KeystoneClient, numbers: Sequence[int]) -> list[Record]:
    # batched
    with client.batch() as batch:
        answers = [batch.retrieve_allocation(pk=number) for number in numbers]
    return [answer.result() for answer in answers]


# --- the steps -----------------------------------------------------------------------------------------------------


def run(screen: Screen, sandbox: Sandbox, _count: int | None) -> dict[str, Any]:
    """All steps; what they came to."""
    keystone = sandbox.keystone
    screen.step("Log in to a Keystone, as one of its people and as one of its staff", log_in)
    robin, admin = log_in(keystone)
    with robin, admin:
        who = [client.whoami() for client in (robin, admin)]
        screen.table(
            ("name", "department", "staff"), ((me["display_name"], me["department"], me["is_staff"]) for me in who)
        )

        screen.step("List large allocations of Robin's teams: the service filters and sorts", find)
        found = find(robin)
        rows = ((one["_cluster"]["name"], one["awarded"], one["final"], one["_request"]["title"]) for one in found[:5])
        screen.table(("cluster", "awarded", "used", "request"), rows)
        awards = [one["awarded"] for one in found]
        fits = all(100_000 <= award <= 150_000 for award in awards) and awards == sorted(awards, reverse=True)
        screen.check(f"all {len(found)} fit, the largest first", bool(found) and fits)

        screen.step("Ask for computing time, with a file that says what for", ask)
        request, allocation, plan = ask(robin)
        show(screen, robin, request, allocation)
        content = robin.http_get(f"media/{plan['file']}").content
        screen.check(f"the file {plan['name']} can be downloaded again", content == b"Model, then compute.")

        screen.step("Approve it: Robin may not, staff may", approve)
        is_refused = refusal(screen, robin, request, allocation)
        approve(admin, request, allocation)
        show(screen, robin, request, allocation)
        awarded = robin.retrieve_allocation(pk=allocation["id"])["awarded"]
        screen.check("Robin was refused, and has 40,000 now", is_refused and awarded == 40_000)

        screen.step("One operation, three ways, of a service that is far away", be_far_away, blocking, awaited, batched)
        ways = three_ways(screen, keystone, admin)
    return {"found": len(found), "awarded": awarded, "requests": ways}


def show(screen: Screen, client: KeystoneClient, request: Record, allocation: Record) -> None:
    """The state of things, as the service tells it."""
    request = client.retrieve_request(pk=request["id"])
    allocation = client.retrieve_allocation(pk=allocation["id"])
    status = {"PD": "pending", "AP": "approved"}[request["status"]]
    cells = request["title"], allocation["_cluster"]["name"], allocation["requested"], allocation["awarded"], status
    screen.table(("request", "cluster", "requested", "awarded", "status"), [cells])


def refusal(screen: Screen, client: KeystoneClient, request: Record, allocation: Record) -> bool:
    """Whether the client may not approve."""
    try:
        approve(client, request, allocation)
    except Forbidden as error:
        screen.tell(f"Forbidden: {error}")
        return True
    return False


def three_ways(screen: Screen, keystone: KeystoneService, admin: KeystoneClient) -> dict[str, int]:
    """How many requests each way took."""
    numbers = [one["id"] for one in admin.retrieve_allocation(filters={"_limit": 100})]
    rows: list[list[Any]] = []
    be_far_away(keystone)

    @contextmanager
    def measured(way: str) -> Iterator[None]:
        requests, begun = keystone.count(), time.perf_counter()
        yield
        rows.append([way, keystone.count() - requests, round(1000 * (time.perf_counter() - begun))])

    async def on_the_loop() -> list[Record]:
        async with AsyncKeystoneClient(keystone.url) as client:
            await client.login("admin", "admin-secret")
            with measured("awaited"):
                return await awaited(client, numbers)

    with measured("blocking"):
        first = blocking(admin, numbers)
    second = asyncio.run(on_the_loop())
    with measured("batched"):
        third = batched(admin, numbers)
    screen.table(("way", "requests", "milliseconds"), rows)
    screen.check(f"each way gave the same {len(numbers)} allocations", len(first) == 100 and first == second == third)
    return {way: requests for way, requests, _ in rows}

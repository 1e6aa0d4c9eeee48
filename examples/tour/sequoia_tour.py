"""sequoia: find services in a registry, browse a catalogue with what belongs to it, and change it with care."""

from __future__ import annotations

from typing import Any

import backoff
from screen import Screen

from restwright import where
from restwright.sandbox import Sandbox
from restwright.sandbox.sequoia import SequoiaService
from sequoia.client import Client, PageBrowser
from sequoia.criteria import Criteria, Inclusion
from sequoia.error import NotMatchingVersion

Resource = dict[str, Any]

TITLE = "Sequoia: a catalogue, spread over services"
SERVICES = ("sequoia",)


# --- what is shown, and runs ---------------------------------------------------------------------------------------


def connect(sequoia: SequoiaService) -> Client:
    return Client(sequoia.registry_url, grant_client_id="clientId", grant_client_secret="clientSecret")


def browse(client: Client) -> PageBrowser:
    criteria = Criteria().add(
        criterion=where("director") == "Fritz Lang",
        inclusion=Inclusion.resource("assets").fields("name", "contentRef"),
    )
    return client.metadata.contents.browse("testmock", criteria, query_string="perPage=3&sort=year")


def films(browser: PageBrowser) -> list[Resource]:
    return [film for page in browser for film in page.resources]


def assets(browser: PageBrowser) -> list[Resource]:
    return [asset for page in browser.linked("assets") for asset in page]


def conflict(client: Client) -> None:
    contents = client.metadata.contents
    contents.store("testmock", [{"name": "m", "title": "M", "year": 1931, "director": "Fritz Lang"}])
    mine = contents.read("testmock", "testmock:m").resources[0]
    theirs = contents.read("testmock", "testmock:m").resources[0]
    contents.update("testmock", {**theirs, "title": "M, restored"}, "testmock:m", theirs["version"])
    contents.update("testmock", {**mine, "title": "M, remastered"}, "testmock:m", mine["version"])


def be_late(sequoia: SequoiaService) -> None:
    sequoia.behave(visible_after=3)  # reads


def wait_for(client: Client) -> list[Resource]:
    contents = client.metadata.contents
    contents.store("testmock", [{"name": "fury", "title": "Fury", "year": 1936}])
    patience = {"wait_gen": backoff.constant, "interval": 0.1, "max_tries": 10}
    found = contents.browse(
        "testmock", where("ref") == "testmock:fury", retry_when_empty_result=True, backoff_strategy=patience
    )
    return found.resources


# --- the steps -----------------------------------------------------------------------------------------------------


def run(screen: Screen, sandbox: Sandbox, _count: int | None) -> dict[str, Any]:
    """All steps; what they came to."""
    sequoia = sandbox.sequoia
    screen.step("Connect: the registry tells where the services are, and one of them gives a token", connect)
    with connect(sequoia) as client:
        screen.table(("service", "is at"), sequoia.locations.items())
        screen.check("one request for the registry, one for a token", sequoia.count() == 2)

        screen.step("Browse: a filter, pages of three, and the assets of each film with it", browse, films, assets)
        before = sequoia.count()
        browser = browse(client)
        found, linked = films(browser), assets(browser)
        names = [", ".join(one["name"] for one in linked if one["contentRef"] == film["ref"]) for film in found]
        rows = ((str(film["year"]), film["title"], own) for film, own in zip(found, names, strict=True))
        screen.table(("year", "film", "assets"), rows)
        pages = sequoia.count() - before
        screen.tell(f"{len(found)} films and {len(linked)} assets, in {pages} requests")
        is_right = [film["director"] for film in found] == ["Fritz Lang"] * 6 and all(names)
        screen.check("all six are his, and each one has assets", is_right)

        screen.step("Store a film, and let two people change it: the second has an old version", conflict)
        is_refused = refusal(screen, client)
        title = client.metadata.contents.read("testmock", "testmock:m").resources[0]["title"]
        screen.check(f"the title is that of the first: {title}", is_refused and title == "M, restored")

        screen.step("Wait for what was stored: the index is late, so the client asks again", be_late, wait_for)
        be_late(sequoia)
        before = sequoia.count(method="GET")
        found_late = wait_for(client)
        tries = sequoia.count(method="GET") - before
        screen.table(("ref", "title", "year"), ((one["ref"], one["title"], str(one["year"])) for one in found_late))
        screen.check(f"it came with try number {tries}", tries == 4 and len(found_late) == 1)
    return {"films": len(found), "assets": len(linked), "pages": pages, "tries": tries}


def refusal(screen: Screen, client: Client) -> bool:
    """Whether the second of two changes is refused."""
    try:
        conflict(client)
    except NotMatchingVersion as error:
        screen.tell(f"NotMatchingVersion: {error}")
        return True
    return False

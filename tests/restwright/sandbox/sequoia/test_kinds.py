"""Declarations of resources, those of users too."""

from __future__ import annotations

import pytest

from restwright.sandbox.sequoia import Kind, Relationship, ResourceService, sequoia_service

GARAGE = ResourceService(
    "garage",
    "Garage",
    "Cars and what is in them.",
    (
        Kind("motor-cars", "motor-car", (Relationship("engines", "parts.engineRef", is_direct=True),)),
        Kind("engines", "engine", (Relationship("motor-cars", "parts.engineRef"),)),
    ),
)


def test_a_service_of_ones_own(new_api):
    with sequoia_service(services=(GARAGE,)) as sequoia:
        api = new_api(sequoia, "garage")
        assert sequoia.locations.keys() == {"identity", "garage"}
        sequoia.load("garage", "engines", [{"name": "e", "fuel": "diesel"}], owner="o")
        sequoia.load("garage", "motor-cars", [{"name": "m", "parts": {"engineRef": "o:e"}}], owner="o")
        page = api.follow("/data/motor-cars?owner=o&include=engines")
        assert page["linked"]["engines"][0]["fuel"] == "diesel"
        page = api.follow("/data/engines?owner=o&include=motorCars&withFuel=diesel")
        assert page["linked"]["motorCars"][0]["name"] == "m"
        (fetch,) = page["meta"]["linked"]["motorCars"]
        assert api.follow(fetch["request"])["motorCars"] == page["linked"]["motorCars"]


@pytest.mark.parametrize("name", ["", "Contents", "contents-", "a/b", "1a"])
@pytest.mark.parametrize(
    ("make", "taken"),
    [(lambda name: Kind(name, "x"), "descriptor"), (lambda name: ResourceService(name, "", "", ()), "registry")],
)
def test_names_are_made_for_urls(make, taken, name):
    for wrong in (name, taken):
        with pytest.raises(ValueError, match=f"small letters and dashes, and not .* or {taken}, got '{wrong}'"):
            make(wrong)


def test_a_relationship_leads_somewhere():
    with pytest.raises(ValueError, match="garage has no wheels, which cars are related to"):
        ResourceService("garage", "", "", (Kind("cars", "car", (Relationship("wheels", "carRef"),)),))

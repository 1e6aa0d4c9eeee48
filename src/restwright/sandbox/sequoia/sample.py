"""The sample: a catalogue of old films, what belongs to them, and what is done with them. It is always the same.

The owner `testmock` has the catalogue. The owner `test` has two contents that the documentation of the client names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

__all__ = ["SAMPLE"]

_OWNER: Final = "testmock"
_FILMS: Final = (
    # Title, year, minutes, director, genres.
    ("A Trip to the Moon", 1902, 14, "Georges Melies", "fantasy short"),
    ("The Great Train Robbery", 1903, 12, "Edwin S. Porter", "western short"),
    ("The Cabinet of Dr. Caligari", 1920, 77, "Robert Wiene", "horror"),
    ("Way Down East", 1920, 145, "D. W. Griffith", "drama"),
    ("The Mark of Zorro", 1920, 79, "Fred Niblo", "adventure"),
    ("The Golem", 1920, 86, "Paul Wegener", "horror fantasy"),
    ("The Kid", 1921, 68, "Charlie Chaplin", "comedy drama"),
    ("The Phantom Carriage", 1921, 107, "Victor Sjostrom", "drama fantasy"),
    ("Destiny", 1921, 98, "Fritz Lang", "fantasy drama"),
    ("Nosferatu", 1922, 94, "F. W. Murnau", "horror"),
    ("Dr. Mabuse the Gambler", 1922, 271, "Fritz Lang", "crime"),
    ("Nanook of the North", 1922, 79, "Robert J. Flaherty", "documentary"),
    ("Haxan", 1922, 105, "Benjamin Christensen", "documentary horror"),
    ("Safety Last!", 1923, 74, "Fred C. Newmeyer", "comedy"),
    ("Our Hospitality", 1923, 75, "Buster Keaton", "comedy"),
    ("The Hunchback of Notre Dame", 1923, 98, "Wallace Worsley", "drama"),
    ("The Last Laugh", 1924, 90, "F. W. Murnau", "drama"),
    ("Sherlock Jr.", 1924, 45, "Buster Keaton", "comedy short"),
    ("The Navigator", 1924, 59, "Buster Keaton", "comedy"),
    ("Greed", 1924, 140, "Erich von Stroheim", "drama"),
    ("Die Nibelungen", 1924, 293, "Fritz Lang", "fantasy adventure"),
    ("The Thief of Bagdad", 1924, 149, "Raoul Walsh", "adventure fantasy"),
    ("Battleship Potemkin", 1925, 74, "Sergei Eisenstein", "drama"),
    ("The Gold Rush", 1925, 95, "Charlie Chaplin", "comedy adventure"),
    ("The Phantom of the Opera", 1925, 93, "Rupert Julian", "horror"),
    ("The Big Parade", 1925, 151, "King Vidor", "drama"),
    ("The Lost World", 1925, 106, "Harry O. Hoyt", "adventure fantasy"),
    ("Seven Chances", 1925, 56, "Buster Keaton", "comedy"),
    ("The General", 1926, 75, "Buster Keaton", "comedy adventure"),
    ("Faust", 1926, 107, "F. W. Murnau", "fantasy horror"),
    ("The Adventures of Prince Achmed", 1926, 65, "Lotte Reiniger", "fantasy"),
    ("Mother", 1926, 89, "Vsevolod Pudovkin", "drama"),
    ("Metropolis", 1927, 153, "Fritz Lang", "drama fantasy"),
    ("Sunrise", 1927, 94, "F. W. Murnau", "drama"),
    ("Wings", 1927, 144, "William A. Wellman", "drama adventure"),
    ("Napoleon", 1927, 330, "Abel Gance", "drama"),
    ("The Passion of Joan of Arc", 1928, 81, "Carl Theodor Dreyer", "drama"),
    ("The Circus", 1928, 72, "Charlie Chaplin", "comedy"),
    ("Steamboat Bill, Jr.", 1928, 71, "Buster Keaton", "comedy"),
    ("The Crowd", 1928, 98, "King Vidor", "drama"),
    ("The Wind", 1928, 79, "Victor Sjostrom", "western drama"),
    ("The Man Who Laughs", 1928, 110, "Paul Leni", "drama horror"),
    ("Spies", 1928, 145, "Fritz Lang", "crime"),
    ("Man with a Movie Camera", 1929, 68, "Dziga Vertov", "documentary"),
    ("Pandora's Box", 1929, 133, "G. W. Pabst", "drama"),
    ("Woman in the Moon", 1929, 169, "Fritz Lang", "adventure"),
    ("Un Chien Andalou", 1929, 16, "Luis Bunuel", "fantasy short"),
    ("City Lights", 1931, 87, "Charlie Chaplin", "comedy drama"),
)
_GENRES: Final = ("adventure", "comedy", "crime", "documentary", "drama", "fantasy", "horror", "short", "western")
_PROFILES: Final = (("h264-1080p", 1080, 8000), ("h264-720p", 720, 4000), ("hevc-2160p", 2160, 16000))
_STATES: Final = ("succeeded", "succeeded", "running", "failed")
_FORMATS: Final = (("main", "video"), ("trailer", "video"), ("poster", "image"), ("subtitles", "text"))
_OF_TESTS: Final = (("c0007", "The Seventh Test"), ("c02", "The Second Test"))


def _contents() -> Iterator[dict[str, Any]]:
    for number, (title, year, minutes, director, genres) in enumerate(_FILMS, 1):
        yield {
            "name": f"c{number}",
            "title": title,
            "type": "film",
            "year": year,
            "duration": minutes * 60,
            "director": director,
            "categoryRefs": [f"{_OWNER}:{genre}" for genre in genres.split()],
            "availability": {"start": f"{year + 96}-01-01", "territories": ["DE", "GB", "ES"][: 1 + number % 3]},
        }
    yield {"name": "sampleContent", "title": "Sample", "type": "clip", "duration": 30, "categoryRefs": []}
    for name, title in _OF_TESTS:
        yield {"owner": "test", "name": name, "title": title, "type": "clip", "categoryRefs": ["test:k1", "test:k2"]}


def _assets() -> Iterator[dict[str, Any]]:
    for number, (title, *_) in enumerate(_FILMS, 1):
        for what, kind in _FORMATS[: 2 + number % 3]:
            yield _asset(_OWNER, f"c{number}", what, kind, title)
    for what, kind in _FORMATS:
        yield _asset(_OWNER, "sampleContent", what, kind, "Sample")
    for name, title in _OF_TESTS:
        for what, kind in _FORMATS:
            yield _asset("test", name, what, kind, title)


def _asset(owner: str, content: str, what: str, kind: str, title: str) -> dict[str, Any]:
    return {
        "owner": owner,
        "name": f"{content}-{what}",
        "title": f"{title}, {what}",
        "type": kind,
        "url": f"https://media.example/{content}/{what}",
        "contentRef": f"{owner}:{content}",
    }


def _categories() -> Iterator[dict[str, Any]]:
    yield {"name": "genre", "title": "Genre", "scheme": "genre"}
    for name in _GENRES:
        yield {"name": name, "title": name.capitalize(), "scheme": "genre", "parentRef": f"{_OWNER}:genre"}
    for name in ("k1", "k2"):
        yield {"owner": "test", "name": name, "title": name.upper(), "scheme": "test"}


def _offers() -> Iterator[dict[str, Any]]:
    for director in ("Buster Keaton", "Charlie Chaplin", "Fritz Lang"):
        refs = [f"{_OWNER}:c{number}" for number, film in enumerate(_FILMS, 1) if film[3] == director]
        name = director.lower().replace(" ", "-")
        yield {"name": name, "title": f"All of {director}", "price": 1.5 * len(refs), "contentRefs": refs}


def _segments() -> Iterator[dict[str, Any]]:
    for number, (_, _, minutes, *_) in enumerate(_FILMS, 1):
        for act in range(minutes // 60):
            yield {
                "name": f"c{number}-act{act + 1}",
                "title": f"Act {act + 1}",
                "start": act * 3600,
                "contentRef": f"{_OWNER}:c{number}",
                "assetRef": f"{_OWNER}:c{number}-main",
            }


def _profiles() -> Iterator[dict[str, Any]]:
    for name, height, bitrate in _PROFILES:
        yield {"name": name, "title": name.upper(), "height": height, "bitrate": bitrate}


def _jobs() -> Iterator[dict[str, Any]]:
    for number in range(1, 25):
        yield {
            "name": f"j{number}",
            "state": _STATES[number % len(_STATES)],
            "priority": number % 5,
            "profileRef": f"{_OWNER}:{_PROFILES[number % len(_PROFILES)][0]}",
            "contentRef": f"{_OWNER}:c{number}",
        }


def _tasks() -> Iterator[dict[str, Any]]:
    for number in range(1, 25):
        for step in ("fetch", "transcode", "publish"):
            yield {"name": f"j{number}-{step}", "type": step, "jobRef": f"{_OWNER}:j{number}"}


def _rules() -> Iterator[dict[str, Any]]:
    for name, title in (
        ("has-title", "A content has a title"),
        ("has-poster", "A content has a poster"),
        ("has-duration", "A content has a duration"),
    ):
        yield {"name": name, "title": title, "severity": "error" if name == "has-title" else "warning"}


def _reports() -> Iterator[dict[str, Any]]:
    for number in range(1, 13):
        broken = ["has-poster"] if number % 3 == 0 else []
        yield {
            "name": f"r{number}",
            "contentRef": f"{_OWNER}:c{number}",
            "valid": not broken,
            "ruleRefs": [f"{_OWNER}:{name}" for name in broken],
        }


SAMPLE: Final[Mapping[str, Iterable[Mapping[str, Any]]]] = {
    "metadata/categories": tuple(_categories()),
    "metadata/contents": tuple(_contents()),
    "metadata/assets": tuple(_assets()),
    "metadata/offers": tuple(_offers()),
    "metadata/content-segments": tuple(_segments()),
    "workflow/profiles": tuple(_profiles()),
    "workflow/jobs": tuple(_jobs()),
    "workflow/tasks": tuple(_tasks()),
    "validation/rules": tuple(_rules()),
    "validation/reports": tuple(_reports()),
}
"""Resources by service and kind; of `testmock`, or of the owner that they name."""

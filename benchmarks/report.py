"""The results as Markdown, for the console and for docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import shorten

from benchmarks.cases import CASES, IMPORT, KINTO_HTTP, REACHES, TORNADO, WIPAC, Case, Reach, Result, Results
from benchmarks.environments import OURS

_NONE = "-"

PAGE = """\
# What a call costs, and what a request

Written by `make bench`; do not edit. Times differ between machines, the ratios much less: all figures come
from one run, in which the clients took turns, and so did the servers.

{tables}
## How it was measured

{facts}

- Every figure is the median of three to five rounds; three are enough where they differ by less than a twentieth. In
  a round each client or server runs once, in a process of its own. Each but ours has an environment of its own, with
  its latest release from PyPI. Ours and the package that it takes the place of, kinto-http, wipac-rest-tools or
  sequoia-client-sdk, run the same script.
- One stub server answers all clients: a record of 250 bytes under the headers of a Kinto server, and a listing whose
  pages name the next one in `Next-Page`. The server is kept on one core, the client runs where the system
  puts it, as programs do. (`--pin` keeps it on one core, too: threads gain by that, as they do not fight over the
  interpreter lock there.)
- CPU is what the client used, user and system, in all its threads, after a warm-up in which every answer was
  checked. Memory is how far the peak of the resident set rose after a warm-up of three pages.
- urllib3 and aiohttp are used bare: `json` and ready-made headers. "N in flight" is N tasks that share one
  client. "Flat" allows a quarter more. A blocking call of ours costs less than one of bare urllib3, for it goes over
  urllib3's connections without its `urlopen`, and JSON is orjson's.
- Servers have one core, their load comes from another one, on keep-alive connections that ask again as soon as
  they are answered, after a second of the same as a warm-up. All of them answer the same body, to the byte; that is
  checked. CPU is the server's own, user and system; "requests per CPU" compares how many requests it answers
  in a second of CPU, which is steadier than requests a second.
- Servers log at WARNING, so that none of them formats a line for a request. "Logged and measured" is at INFO, to a
  file that keeps nothing: Tornado's line, the two lines of wipac-rest-tools; and of ours the first line, the JSON
  access log, the correlation id and the metrics.
- Bare Tornado parses and checks arguments by hand: what is missing, unknown, given twice or of the wrong type. The
  other two declare them in the method, with `ArgumentHandler`; where they are declared beside it, by `takes`.
  Their routes have the keyword arguments of `RestHandlerSetup({{}})`, so they keep statistics.

## To run it again

`make bench` writes this page, in a quarter of an hour; `make bench ONLY="sequoia sync"` measures some parts, and leaves
the page as it is. The stub is nginx where that is on the PATH (`apt-get install
nginx-light`), else a small server of ours; the load is wrk's (`apt-get install wrk`), else that of clients of ours.
The environments of the others are made once, in `.bench/`; remove that folder to get newer releases.

    .venv/bin/python -m benchmarks.run --quick             # a tenth of the calls, one round
    .venv/bin/python -m benchmarks.run --only sync import  # some parts; --help lists them
    .venv/bin/python -m benchmarks.run --peers urllib3 ours --json medians.json
    .venv/bin/python -m benchmarks.profile_call            # where the time of our call goes
    .venv/bin/python -m benchmarks.profile_request         # and of our server
"""


def page(results: Results, known: Mapping[str, str]) -> str:
    """docs/benchmarks.md."""
    return PAGE.format(tables=tables(results), facts=facts(known))


def facts(known: Mapping[str, str]) -> str:
    """What the figures depend on."""
    return "\n".join(f"- {name}: {value}" for name, value in known.items())


def tables(results: Results) -> str:
    """What was reached, then each case."""
    reaches = [_reach_row(reach, reach.of(results)) for reach in REACHES]
    parts = ["## What was to be reached\n", _table(("figure", "measured", "wanted", ""), reaches)]
    for case in CASES:
        if case.name in results:
            rows = {"listing": _listing_rows, "server": _request_rows}.get(case.group, _call_rows)
            parts += [f"## {case.title}\n", rows(case, results[case.name])]
    if IMPORT in results:
        parts += ["## Import\n", _import_rows(results[IMPORT])]
    return "\n".join(parts)


def _reach_row(reach: Reach, figure: float | None) -> tuple[str, ...]:
    wanted = f"{'at least' if reach.at_least else 'at most'} {reach.limit:g} {reach.unit}"
    if figure is None:
        return reach.text, _NONE, wanted, "not measured"
    shown = f"{figure:.2f}" if reach.unit == "x" else f"{figure:.0f}"
    return reach.text, f"{shown} {reach.unit}", wanted, "met" if reach.is_met(figure) else "**not met**"


def _call_rows(case: Case, results: Mapping[str, Result]) -> str:
    others = [peer for peer in case.peers if peer == case.peers[0] or peer in (KINTO_HTTP, WIPAC)]
    return _table(
        ("client", "CPU of a call, µs", "calls a second", *(f"CPU to {other}" for other in others)),
        [_row(peer, result, ("cpu_us", "per_second"), map(results.get, others)) for peer, result in results.items()],
    )


def _listing_rows(case: Case, results: Mapping[str, Result]) -> str:
    bare = case.peers[0]
    return _table(
        ("client", "CPU of a record, µs", "records a second", "memory grew by, MB", f"CPU to {bare}"),
        [
            _row(peer, result, ("cpu_us", "per_second", "growth_mb"), (results.get(bare),))
            for peer, result in results.items()
        ],
    )


def _request_rows(case: Case, results: Mapping[str, Result]) -> str:
    others = [other for other in (TORNADO, WIPAC) if other in case.peers]
    rows: list[tuple[str, ...]] = []
    for peer, result in results.items():
        # More is better here: requests in a second of CPU, to those of the other.
        rates = [] if "failed" in result else [_ratio(results.get(other), result) for other in others]
        rows.append((*_row(peer, result, ("cpu_us", "per_second", "growth_mb"), ()), *rates))
    head = ("server", "CPU of a request, µs", "requests a second", "memory grew by, MB")
    return _table((*head, *(f"requests per CPU, to {other}" for other in others)), rows)


def _import_rows(results: Mapping[str, Result]) -> str:
    return _table(
        ("client", "import kinto_http, ms", "import requests, ms", "difference, ms"),
        [_row(peer, result, ("module_ms", "beside_ms", "difference_ms"), ()) for peer, result in results.items()],
    )


def _row(peer: str, result: Result, columns: Sequence[str], others: Iterable[Result | None]) -> tuple[str, ...]:
    name = f"**{peer}**" if peer == OURS else peer
    if "failed" in result:
        return name, shorten(str(result["failed"]), 48)
    cells = [_number(float(result[column])) for column in columns]
    return name, *cells, *(_ratio(result, other) for other in others)


def _ratio(result: Result | None, other: Result | None) -> str:
    """CPU of the one to that of the other."""
    known = result is not None and other is not None and "cpu_us" in result and "cpu_us" in other
    return f"{float(result['cpu_us']) / float(other['cpu_us']):.2f} x" if known and result and other else _NONE


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    full = [tuple(head), *((*row, *[""] * (len(head) - len(row))) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*full, strict=True)]

    def line(cells: Sequence[str]) -> str:
        first, *others = (
            cell.ljust(width) if n == 0 else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "| " + " | ".join((first, *others)) + " |"

    rule = "|" + "|".join("-" * (width + 1) + ("-" if n == 0 else ":") for n, width in enumerate(widths)) + "|"
    return "\n".join((line(full[0]), rule, *map(line, full[1:]))) + "\n"

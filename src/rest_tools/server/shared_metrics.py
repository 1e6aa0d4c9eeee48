"""The metrics of several workers as one.

Each worker writes a snapshot of its metrics to a file of its own, now and then and at its end.  Whoever is asked reads
the files of all, and nothing is told that is not in a file: so a counter never goes back, even if a worker is killed.
What workers counted that are gone is kept in one more file, which names them.
"""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from prometheus_client.samples import Sample

__all__ = ["Snapshots"]

_log = logging.getLogger(__name__)
_ADDED = {"counter", "histogram", "summary"}  # of workers that are gone, too


class Snapshots:
    """The snapshots in a directory.

    Counters, histograms and summaries are added up over all workers, gauges over those that live.  Of anything else
    the largest value is told.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._gone = folder / "gone.json"

    def write(self, number: int, registry: CollectorRegistry) -> None:
        """Keep what a worker has counted.

        Raises:
            OSError: The file cannot be written.
        """
        self._put(self._path(number), {"workers": [number], "metrics": [_plain(one) for one in registry.collect()]})

    def collect(self) -> Iterable[Metric]:
        """What all workers have counted, for `prometheus_client`."""
        living = [snapshot for path in self._folder.glob("worker-*.json") if (snapshot := _read(path))]
        # Read last: a worker that is buried meanwhile is in here, and its own file is left out.
        gone = _read(self._gone) or {"workers": [], "metrics": []}
        living = [snapshot for snapshot in living if snapshot["workers"][0] not in gone["workers"]]
        total = _Total()
        for snapshot in (*living, gone):
            total.add(snapshot["metrics"])
        return total.metrics()

    def bury(self, number: int) -> None:
        """Add what a worker counted that is gone to that of the others that are; for the supervisor alone."""
        try:
            self._bury(number)
        except OSError as error:
            _log.warning("what worker number %d has counted is lost: %s", number, error)

    def _bury(self, number: int) -> None:
        gone = _read(self._gone) or {"workers": [], "metrics": []}
        if last := _read(self._path(number)):
            total = _Total()
            total.add(gone["metrics"])
            total.add([metric for metric in last["metrics"] if metric["type"] in _ADDED])
            metrics = [_plain(metric) for metric in total.metrics()]
            self._put(self._gone, {"workers": [*gone["workers"], number], "metrics": metrics})
            self._path(number).unlink()

    def leave(self, number: int) -> None:
        """Remove what a worker has told, and with the last one the directory; when no supervisor is there to do it."""
        self._path(number).unlink(missing_ok=True)
        if not any(self._folder.glob("worker-*")):
            shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"worker-{number}.json"

    def _put(self, path: Path, snapshot: dict[str, Any]) -> None:
        new = path.with_suffix(".new")
        new.write_text(json.dumps(snapshot), encoding="utf-8")
        new.replace(path)  # whole or not at all


class _Total:
    """A sum of metrics."""

    def __init__(self) -> None:
        self._metrics: dict[str, Metric] = {}
        self._values: dict[str, dict[tuple[str, tuple[tuple[str, str], ...]], float]] = {}

    def add(self, metrics: Iterable[dict[str, Any]]) -> None:
        for one in metrics:
            name, kind = one["name"], one["type"]
            self._metrics.setdefault(name, Metric(name, one["documentation"], kind, one["unit"]))
            values = self._values.setdefault(name, {})
            for sample, labels, value in one["samples"]:
                key = (sample, tuple(sorted(labels.items())))
                known = values.get(key)
                if known is None:
                    values[key] = value
                elif sample.endswith("_created"):  # a moment
                    values[key] = min(known, value)
                else:
                    values[key] = known + value if kind in _ADDED or kind == "gauge" else max(known, value)

    def metrics(self) -> Iterable[Metric]:
        for name, metric in self._metrics.items():
            metric.samples = [
                Sample(sample, dict(labels), value) for (sample, labels), value in self._values[name].items()
            ]
            yield metric


def _plain(metric: Metric) -> dict[str, Any]:
    samples = [(sample.name, sample.labels, sample.value) for sample in metric.samples]
    return {
        "name": metric.name,
        "type": metric.type,
        "documentation": metric.documentation,
        "unit": metric.unit,
        "samples": samples,
    }


def _read(path: Path) -> dict[str, Any] | None:
    try:
        snapshot: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return snapshot

from __future__ import annotations

import json

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Summary, generate_latest

from rest_tools.server.metrics import Metrics
from rest_tools.server.shared_metrics import Snapshots


class Worker:
    """A worker with one metric of each kind."""

    def __init__(self, snapshots, number):
        self._snapshots, self._number = snapshots, number
        registry = self.registry = CollectorRegistry()
        self.eaten = Counter("eaten", "Fruits", ["kind"], registry=registry)
        self.queue = Gauge("queue", "Clients", registry=registry)
        self.seconds = Histogram("seconds", "To eat one", buckets=(1, 5), registry=registry)
        self.sizes = Summary("sizes", "Of fruits", registry=registry)
        Info("build", "Of the program", registry=registry).info({"version": "1"})

    def tell(self):
        self._snapshots.write(self._number, self.registry)


@pytest.fixture
def snapshots(tmp_path):
    return Snapshots(tmp_path)


def values(snapshots):
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in snapshots.collect()
        for sample in metric.samples
        if not sample.name.endswith("_created")
    }


def test_counts_are_added_up_and_what_is_known_of_the_program_is_not(snapshots):
    workers = [Worker(snapshots, number) for number in (1, 2, 3)]
    for number, worker in enumerate(workers, 1):
        worker.eaten.labels("apple").inc(number)
        worker.queue.set(number)
        worker.seconds.observe(number * 2 - 1.5)
        worker.sizes.observe(10)
        worker.tell()
    workers[2].eaten.labels("pear").inc()
    workers[2].tell()
    assert values(snapshots) == {
        ("eaten_total", "apple"): 6,
        ("eaten_total", "pear"): 1,
        ("queue",): 6,
        ("seconds_bucket", "1.0"): 1,
        ("seconds_bucket", "5.0"): 3,
        ("seconds_bucket", "+Inf"): 3,
        ("seconds_count",): 3,
        ("seconds_sum",): 7.5,
        ("sizes_count",): 3,
        ("sizes_sum",): 30,
        ("build_info", "1"): 1,
    }


def test_what_the_gone_have_counted_stays_and_what_they_had_at_work_does_not(snapshots):
    workers = [Worker(snapshots, number) for number in (1, 2, 3)]
    for worker in workers:
        worker.eaten.labels("apple").inc(10)
        worker.queue.set(1)
        worker.tell()
    for buried in (1, 2):
        snapshots.bury(buried)
        found = values(snapshots)
        assert found["eaten_total", "apple"] == 30
        assert found[("queue",)] == 3 - buried
    snapshots.bury(7)  # who never told anything
    workers[2].eaten.labels("apple").inc()
    workers[2].tell()
    assert values(snapshots)["eaten_total", "apple"] == 31


def test_who_is_buried_while_one_reads_is_counted_once(snapshots, tmp_path):
    for number in (1, 2):
        worker = Worker(snapshots, number)
        worker.eaten.labels("apple").inc(10)
        worker.tell()
    own = (tmp_path / "worker-1.json").read_text()
    snapshots.bury(1)
    (tmp_path / "worker-1.json").write_text(own)  # as if it had been read before
    assert values(snapshots)["eaten_total", "apple"] == 20


def test_the_text_is_as_prometheus_wants_it(snapshots):
    alone = Worker(snapshots, 1)
    alone.eaten.labels('a "b"\n').inc()
    alone.seconds.observe(float("inf"))
    alone.tell()

    def without_moments(text):
        return [line for line in text.decode().splitlines() if "_created" not in line]

    assert without_moments(generate_latest(snapshots)) == without_moments(generate_latest(alone.registry))


def test_since_when_is_the_earliest_of_all(snapshots):
    first, second = Worker(snapshots, 1), Worker(snapshots, 2)
    for worker in (second, first):
        worker.eaten.labels("apple").inc()
        worker.tell()

    def created(collector):
        return [
            sample.value
            for metric in collector.collect()
            for sample in metric.samples
            if sample.name == "eaten_created"
        ]

    assert created(snapshots) == [min(*created(first.registry), *created(second.registry))]


def test_a_folder_that_is_gone_is_told_and_stops_nobody(snapshots, tmp_path, caplog):
    metrics = Metrics()
    tell = metrics.share(1, Snapshots(tmp_path / "gone"))
    tell()
    assert "the metrics of this worker are not up to date" in caplog.text
    with pytest.raises(FileNotFoundError):
        metrics.told()
    Worker(snapshots, 1).tell()
    (tmp_path / "gone.new").mkdir()
    snapshots.bury(1)
    assert "what worker number 1 has counted is lost" in caplog.text


def test_a_snapshot_is_whole_or_not_there(snapshots, tmp_path):
    Worker(snapshots, 1).tell()
    assert [path.name for path in tmp_path.iterdir()] == ["worker-1.json"]
    assert json.loads((tmp_path / "worker-1.json").read_text())["workers"] == [1]

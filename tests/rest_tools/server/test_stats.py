from __future__ import annotations

import statistics

import pytest

from rest_tools.server.stats import RouteStats, RouteStatsMap
from restwright.testing import FakeClock


def stats_of(*durations, **settings):
    stats = RouteStats(**settings)
    for duration in durations:
        stats.append(duration)
    return stats


def test_defaults_are_those_of_the_contract():
    stats = RouteStats()
    assert (stats.window_size, stats.window_time, stats.timeout) == (1000, 3600, 30)


def test_three_calls_tell_nothing():
    stats = stats_of(900, 900, 900, chance=lambda: 0.0)
    assert not stats.is_overloaded()
    assert stats.get_backoff_time() == 1


def test_a_fast_route_takes_all_calls():
    assert not stats_of(*[0.1] * 10, chance=lambda: 0.0).is_overloaded()


def test_the_back_off_is_twice_the_median():
    assert stats_of(1, 2, 3, 100).get_backoff_time() == 5
    assert stats_of(1, 2, 3, 4, 100).get_backoff_time() == 6


@pytest.mark.parametrize(("chance", "refused"), [(0.0, True), (0.74, True), (0.75, False), (0.99, False)])
def test_calls_are_refused_in_the_proportion_that_the_route_is_too_slow(chance, refused):
    """Median 40 and timeout 10: a quarter may pass."""
    assert stats_of(*[40] * 8, timeout=10, chance=lambda: chance).is_overloaded() is refused


def test_a_route_at_its_timeout_is_not_refused_yet():
    assert not stats_of(*[10] * 8, timeout=10, chance=lambda: 0.0).is_overloaded()


@pytest.mark.parametrize(("chance", "refused"), [(0.49, True), (0.51, False)])
def test_a_slow_quarter_is_enough(chance, refused):
    stats = stats_of(1, 1, 1, 1, 1, 40, 40, 40, timeout=10, chance=lambda: chance)
    assert stats.is_overloaded() is refused
    assert stats.get_backoff_time() == 40


def test_old_calls_are_forgotten_to_the_last_one():
    clock = FakeClock()
    stats = stats_of(*[100] * 5, window_time=60, timeout=1, clock=clock, chance=lambda: 0.0)
    assert stats.is_overloaded()
    clock.sleep(61)
    assert not stats.is_overloaded()
    assert (len(stats), list(stats.data), list(stats.times)) == (0, [], [])


def test_calls_age_one_by_one():
    clock = FakeClock()
    stats = RouteStats(window_time=10, clock=clock)
    for duration in (5, 1, 3):
        stats.append(duration)
        clock.sleep(4)
    stats.append(2)
    assert list(stats.data) == [1, 3, 2]


def test_the_window_is_bounded_and_its_statistics_are_right():
    stats = RouteStats(window_size=50)
    durations = [(i * 7919) % 101 / 10 for i in range(500)]
    for duration in durations:
        stats.append(duration)
    assert list(stats.data) == durations[-50:]
    assert stats.get_backoff_time() == int(2 * statistics.median(durations[-50:]))


def test_clear():
    stats = stats_of(1, 2, 3, 4)
    stats.clear()
    assert len(stats) == 0
    assert stats.get_backoff_time() == 1


def test_the_map_keeps_no_more_routes_than_told():
    routes = RouteStatsMap(max_routes=3, timeout=7)
    for name in "abcd":
        routes[name].append(1)
    assert list(routes) == ["b", "c", "d"]
    assert routes["d"].timeout == 7
    assert len(routes["d"]) == 1


def test_wrong_settings_of_the_map_fail_at_once():
    with pytest.raises(TypeError, match="windw"):
        RouteStatsMap(windw=3)

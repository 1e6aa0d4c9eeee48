"""The filter grammar, on both databases."""

from __future__ import annotations

import datetime

import pytest

REQUESTS = (  # title, description, active, expire, status
    ("alpha", "one", "2024-01-01", "2024-12-31", "AP"),
    ("Beta", "two", "2024-02-29", None, "AP"),
    ("gamma_x", "50% of it", "2023-12-31", "2025-06-15", "DC"),
    ("delta", "", None, None, "PD"),
)


@pytest.fixture(scope="module", params=["sqlite://", "postgresql"])
def api(request, services, log_in_for_module):
    """Staff of a service that nobody else uses; nothing of what it has is changed."""
    staff = log_in_for_module(services(database=request.param, version="0.10.7 of filters"))
    team = staff.make("users/teams/", name="A Team")["id"]
    staff.make("users/teams/", name="B Team")
    for title, description, active, expire, status in REQUESTS:
        body = {"title": title, "description": description or "-", "active": active, "expire": expire, "status": status}
        staff.make("allocations/requests/", **body, submitter=staff.id, team=team)
    for amount in ("12.50", "100"):
        grant = {"title": "t", "agency": "a", "amount": amount, "start_date": "2024-01-01", "team": team}
        staff.make("research/grants/", **grant)
    return staff


def titles(api, query: str) -> str:
    answer = api.get(f"allocations/requests/?{query}")
    assert answer.status_code == 200, answer.text
    return " ".join(one["title"] for one in answer.json()["results"])


ALL = "alpha Beta gamma_x delta"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        # text
        ("title=alpha", "alpha"),
        ("title__not_eq=alpha", "Beta gamma_x delta"),
        ("title__in=alpha,delta,x", "alpha delta"),
        ("title__in=alpha, delta", "alpha delta"),
        ("title__not_in=alpha,delta", "Beta gamma_x"),
        ("title__contains=et", "Beta"),
        ("title__contains=_", "gamma_x"),
        ("description__contains=%25", "gamma_x"),
        ("title__not_contains=a_", "alpha Beta delta"),
        ("title__startswith=del", "delta"),
        ("title__not_startswith=del", "alpha Beta gamma_x"),
        ("title__endswith=ta", "Beta delta"),
        ("title__not_endswith=ta", "alpha gamma_x"),
        ("title__isnull=true", ""),
        ("title__isnull=False", ALL),
        # numbers
        ("id=1", "alpha"),
        ("id=1.0", "alpha"),
        ("id=1.5", ""),
        ("id__lt=3", "alpha Beta"),
        ("id__lte=2.5", "alpha Beta"),
        ("id__gt=2.5", "gamma_x delta"),
        ("id__gte=3", "gamma_x delta"),
        ("id__lt=99999999999999999999", ALL),
        ("id__gt=-1e400", ALL),
        ("id__in=1,4,2.5,4000000000", "alpha delta"),
        (f"id__in={','.join(map(str, range(2, 3000)))}", "Beta gamma_x delta"),
        ("id__in=,", ALL),
        ("id__not_in=1,4", "Beta gamma_x"),
        # dates
        ("active=2024-01-01", "alpha"),
        ("active__not_eq=2024-01-01", "Beta gamma_x delta"),
        ("active__in=2024-01-01,2023-12-31", "alpha gamma_x"),
        ("active__not_in=2024-01-01,2023-12-31", "Beta delta"),
        ("active__lt=2024-01-01", "gamma_x"),
        ("active__lte=2024-01-01", "alpha gamma_x"),
        ("active__gt=2024-01-01", "Beta"),
        ("active__gte=2024-01-01", "alpha Beta"),
        ("active__isnull=true", "delta"),
        ("active__isnull=1", "delta"),
        ("active__isnull=false", "alpha Beta gamma_x"),
        ("active__isnull=perhaps", ALL),
        ("active__year=2024", "alpha Beta"),
        ("active__month=2", "Beta"),
        ("active__day=31", "gamma_x"),
        ("active__week=1", "alpha"),
        ("active__week=52", "gamma_x"),
        ("active__week=9", "Beta"),
        ("active__week_day=1", "gamma_x"),  # a Sunday
        ("active__week_day=2", "alpha"),
        # choices, links
        ("status=AP", "alpha Beta"),
        ("status__not_eq=AP", "gamma_x delta"),
        ("status__in=DC,PD", "gamma_x delta"),
        ("status__not_in=DC,PD", "alpha Beta"),
        ("team=1", ALL),
        ("team=2", ""),
        ("team__in=1,2", ALL),
        ("team__not_in=1", ""),
        ("team__not_eq=2", ALL),
        ("team__isnull=true", ""),
        # what is ignored
        ("title=", ALL),
        ("nonsense=5", ALL),
        ("title__gt=b", ALL),
        ("title__nonsense=b", ALL),
        ("assignees=5", ALL),
        ("status__contains=A", ALL),
        ("_history=5", ALL),
        ("_team=5", ALL),
        # more than one
        ("status=AP&active__month=2", "Beta"),
        ("title=alpha&title=Beta", "Beta"),
    ],
)
def test_filters(api, query, found):
    assert titles(api, query) == found


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("id=x", {"id": ["Enter a number."]}),
        ("id=NaN", {"id": ["Enter a number."]}),
        ("id__in=1,x", {"id__in": ["Enter a number."]}),
        ("id=1e999999999999999999999", {"id": ["Enter a number."]}),
        ("active=soon", {"active": ["Enter a valid date."]}),
        ("active__year=x", {"active__year": ["Enter a number."]}),
        ("status=XX", {"status": ["Select a valid choice. XX is not one of the available choices."]}),
        ("team=99", {"team": ["Select a valid choice. That choice is not one of the available choices."]}),
        ("team__in=1,99", {"team__in": ["Select a valid choice. That choice is not one of the available choices."]}),
        ("team=x", {"team": ["Select a valid choice. That choice is not one of the available choices."]}),
        ("title=a%00b", {"title": ["Null characters are not allowed."]}),
        ("id=x&active=x", {"id": ["Enter a number."], "active": ["Enter a valid date."]}),
    ],
)
def test_what_no_field_can_be_compared_with_is_refused(api, query, errors):
    answer = api.get(f"allocations/requests/?{query}")
    assert (answer.status_code, answer.json()) == (400, errors)


def test_contains_heeds_case_on_postgresql_alone(api):
    is_sqlite = api.keystone.settings.database.startswith("sqlite")
    assert titles(api, "title__contains=ALPH") == ("alpha" if is_sqlite else "")
    assert titles(api, "_search=ALPH") == "alpha"


def test_points_in_time_have_the_lookups_of_dates_and_times(api):
    joined = datetime.datetime.fromisoformat(api.get("users/users/1/").json()["date_joined"])
    second = joined.replace(microsecond=0)
    after, before = joined + datetime.timedelta(seconds=1), joined - datetime.timedelta(seconds=1)
    for query, is_found in {
        f"date_joined={joined.isoformat()}": True,
        f"date_joined__lte={joined.isoformat()}": True,
        f"date_joined__lt={after:%Y-%m-%d %H:%M:%S}": True,
        f"date_joined__gt={before:%Y-%m-%dT%H:%M:%S}%2B05:00": True,
        f"date_joined__gte={after.isoformat()}": False,
        f"date_joined__year={joined.year}": True,
        f"date_joined__week={joined.isocalendar().week}": True,
        f"date_joined__week_day={joined.isoweekday() % 7 + 1}": True,
        f"date_joined__week_day={(joined.isoweekday() + 1) % 7 + 1}": False,
        f"date_joined__hour={joined.hour}": True,
        f"date_joined__hour={(joined.hour + 1) % 24}": False,
        f"date_joined__minute={joined.minute}": True,
        f"date_joined__second={second.second}": True,
        f"date_joined__second={(second.second + 30) % 60}": False,
    }.items():
        path = f"users/users/?username=admin&{query}".replace("+00:00", "Z")
        assert (api.ids(path) == [1]) is is_found, query
    assert api.get("users/users/?date_joined=x").json() == {"date_joined": ["Enter a valid date/time."]}
    assert api.get("users/users/?date_joined=0001-01-01T00:00:00%2B10:00").json() == {
        "date_joined": ["Enter a valid date/time."]
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("is_staff=true", [1]),
        ("is_staff=True", [1]),
        ("is_staff=1", [1]),
        ("is_staff=false", [2]),
        ("is_staff=yes", [1, 2]),
        ("is_staff__not_eq=true", [2]),
        ("is_staff__in=true,false", [1, 2]),
        ("is_staff__in=true,perhaps", [1]),
        ("is_staff__not_in=perhaps", [1, 2]),
        ("email__isnull=true", []),
        ("department__isnull=true", [1, 2]),
        ("department__not_eq=Physics", [1, 2]),
        ("password=x", [1, 2]),
    ],
)
def test_flags_take_few_words(api, query, found):
    assert api.ids(f"users/users/?{query}") == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("amount=12.5", [1]),
        ("amount__lt=12.50", []),
        ("amount__lte=12.50", [1]),
        ("amount__gt=99", [2]),
        ("amount__in=12.5,100", [1, 2]),
        ("amount__lt=1e30", [1, 2]),
    ],
)
def test_amounts_are_compared_as_numbers(api, query, found):
    assert api.ids(f"research/grants/?{query}") == found


def test_services_with_tokens_do_not_know_negations(old_keystone, log_in):
    staff = log_in(old_keystone)
    first, second = (staff.make("allocations/clusters/", name=name)["id"] for name in ("a", "b"))
    assert staff.ids("allocations/clusters/", name__in="a,x") == [first]
    assert staff.ids("allocations/clusters/", id__gt=first) == [second]
    assert staff.ids("allocations/clusters/", name__not_eq="a", name__not_in="a") == [first, second]
    refused = staff.get("allocations/clusters/", id="x")
    assert (refused.status_code, refused.json()) == (400, {"id": ["Enter a number."]})

import pytest

from kinto_http.endpoints import Endpoints
from kinto_http.exceptions import KintoException

COLLECTION = "/buckets/b/collections/c"
PATHS = {
    "root": "/",
    "batch": "/batch",
    "permissions": "/permissions",
    "buckets": "/buckets",
    "bucket": "/buckets/b",
    "history": "/buckets/b/history",
    "groups": "/buckets/b/groups",
    "group": "/buckets/b/groups/g",
    "collections": "/buckets/b/collections",
    "collection": COLLECTION,
    "records": f"{COLLECTION}/records",
    "record": f"{COLLECTION}/records/r",
    "attachment": f"{COLLECTION}/records/r/attachment",
    "changeset": f"{COLLECTION}/changeset",
}


@pytest.mark.parametrize("root", ["", "/v1"])
@pytest.mark.parametrize(("name", "path"), PATHS.items(), ids=PATHS)
def test_paths(name, path, root):
    """Fields that a template does not have are ignored."""
    assert Endpoints(root).get(name, bucket="b", group="g", collection="c", id="r") == root + path


def test_the_templates_are_published():
    assert list(Endpoints.endpoints) == list(PATHS)
    assert Endpoints.endpoints["record"] == "/buckets/{bucket}/collections/{collection}/records/{id}"


@pytest.mark.parametrize(("value", "segment"), [("a.b c", "ab-c"), ("é/x", "ex"), ("北京", "bei-jing"), ("x\n", "x")])
def test_ids_are_slugified(value, segment):
    assert Endpoints().get("bucket", bucket=value) == f"/buckets/{segment}"


@pytest.mark.parametrize(("value", "segment"), [(0, "0"), (17, "17")])
def test_numbers_are_ids(value, segment):
    assert Endpoints().get("record", bucket="b", collection="c", id=value).endswith(f"/records/{segment}")


@pytest.mark.parametrize("given", [{}, {"id": None}, {"id": ""}, {"id": False}])
def test_a_missing_field_is_named(given):
    with pytest.raises(KintoException, match=r"'record'.*'id' is missing"):
        Endpoints().get("record", bucket="b", collection="c", **given)


@pytest.mark.parametrize("value", [".", "/", "?", " "])
def test_an_id_of_which_nothing_is_left_is_refused(value):
    """`/buckets/` would be redirected to all buckets, and a DELETE with it."""
    with pytest.raises(KintoException, match="'bucket'"):
        Endpoints().get("bucket", bucket=value)


def test_an_unknown_endpoint_is_named():
    with pytest.raises(KintoException, match="'recrod'"):
        Endpoints().get("recrod")


def test_a_subclass_may_add_endpoints():
    class More(Endpoints):
        endpoints = {**Endpoints.endpoints, "quota": "/buckets/{bucket}/100%/{{quota}}"}  # noqa: RUF012

    assert More().get("quota", bucket="a b") == "/buckets/a-b/100%/{quota}"
    assert More().get("buckets") == "/buckets"

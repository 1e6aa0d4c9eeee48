import pytest

from kinto_http.patch_type import BasicPatch, JSONPatch, MergePatch, PatchType


@pytest.mark.parametrize(
    ("patch", "content_type"),
    [(BasicPatch, "application/json"), (MergePatch, "application/merge-patch+json")],
)
def test_a_patch_of_attributes_has_the_parts_it_was_given(patch, content_type):
    assert patch.content_type == content_type
    assert patch({"a": 1}).body == {"data": {"a": 1}}
    assert patch(permissions={"read": []}).body == {"permissions": {"read": []}}
    assert patch(data={}, permissions={}).body == {"data": {}, "permissions": {}}
    assert patch().body == {}
    assert isinstance(patch(), PatchType)


def test_a_json_patch_is_its_list_of_operations():
    operations = [{"op": "remove", "path": "/data/a"}]
    assert JSONPatch(operations).body == operations
    assert JSONPatch.content_type == "application/json-patch+json"
    assert isinstance(JSONPatch([]), PatchType)


def test_a_subclass_needs_a_content_type_and_a_body():
    class Upper(PatchType):
        content_type = "application/vnd.upper+json"
        body = {"data": {"a": None}}  # noqa: RUF012

    assert (PatchType.content_type, PatchType.body) == ("", None)
    assert (Upper().content_type, Upper().body) == ("application/vnd.upper+json", {"data": {"a": None}})

"""Users and clients from a file."""

from __future__ import annotations

import json

import pytest

from restwright.sandbox.identity import SAMPLE_CLIENTS, SAMPLE_USERS, Client, User
from restwright.sandbox.identity.configuration import read_configuration


def read(tmp_path, content):
    file = tmp_path / "identity.json"
    file.write_text(content if isinstance(content, str) else json.dumps(content))
    return read_configuration(str(file))


def test_users_and_clients_come_with_all_that_they_have(tmp_path):
    eve = {"name": "eve", "password": "pw", "claims": {"groups": ["/a"]}, "subject": "7"}
    tool = {"id": "tool", "secret": None, "redirect_uris": ["https://a.example/cb"], "scopes": ["read"]}
    users, clients = read(tmp_path, {"users": [eve], "clients": [tool]})
    assert users == [User("eve", "pw", {"groups": ["/a"]}, "7")]
    assert clients == [Client("tool", redirect_uris=("https://a.example/cb",), scopes=("read",))]


def test_the_samples_take_the_place_of_what_is_left_out(tmp_path):
    assert read(tmp_path, {}) == ([*SAMPLE_USERS], [*SAMPLE_CLIENTS])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "identity.json is not JSON"),
        ([], "must be a JSON object"),
        ({"people": []}, "must be a JSON object with `users`"),
        ({"users": {}}, "users must be a list"),
        ({"users": ["eve"]}, "entry 1 of users: it must be an object"),
        ({"users": [{"name": "eve", "password": "pw"}, {"name": "bob"}]}, "entry 2 of users: .*password"),
        ({"users": [{"name": "eve", "password": 7}]}, "password must be of type str, got 7"),
        ({"users": [{"name": "eve", "password": "x", "claims": []}]}, "claims must be of type dict"),
        ({"clients": [{"id": "a", "color": "red"}]}, "entry 1 of clients: .*color"),
        ({"clients": [{"id": "a", "redirect_uris": ["x"]}]}, "redirect URIs must be absolute"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, content, words):
    with pytest.raises(ValueError, match=words):
        read(tmp_path, content)

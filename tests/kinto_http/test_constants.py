import re
from importlib.metadata import version

import pytest
import requests

from kinto_http import cli_utils, constants


def test_the_agent_names_the_versions_of_package_requests_and_python():
    agent = constants.USER_AGENT
    assert re.fullmatch(r"kinto_http/\S+ requests/\S+ python/\d+\.\d+\.\d+\S*", agent)
    assert agent.split()[0] == f"kinto_http/{version('restwright')}" == f"kinto_http/{constants.kinto_http_version}"
    assert agent.split()[1] == f"requests/{requests.__version__}" == f"requests/{constants.requests_version}"
    assert agent.split()[2] == f"python/{constants.python_version}"


def test_published_values():
    assert constants.ID_FIELD == "id"
    assert constants.DO_NOT_OVERWRITE == {"If-None-Match": "*"}
    assert constants.SERVER_URL == "http://localhost:8888/v1"
    assert constants.DEFAULT_AUTH == ("user", "p4ssw0rd")
    assert constants.VALID_SLUG_REGEXP.pattern == "^[a-zA-Z0-9][a-zA-Z0-9_-]*$"
    assert constants.OBJECTS_PERMISSIONS == {
        "bucket": ["group:create", "collection:create", "write", "read"],
        "group": ["write", "read"],
        "collection": ["write", "read", "record:create"],
        "record": ["read", "write"],
    }


@pytest.mark.parametrize("flags", constants.ALL_PARAMETERS, ids=lambda flags: flags[-1])
def test_each_listed_flag_is_an_option_of_the_parser(flags):
    options = [action.option_strings for action in cli_utils.add_parser_options()._actions]
    assert flags in options
    assert len(options) == len(constants.ALL_PARAMETERS)

from __future__ import annotations

import asyncio
import copy
import pickle
import platform
import subprocess
import sys

import pytest
import requests
import requests_mock
from tests.sequoia.asking import CONTENTS, add, asked, new_async_client, new_client

import sequoia as package
from restwright.testing import Reply, serve
from sequoia import client, env, http, util
from sequoia.auth import AuthType, NoAuth, TokenCache
from sequoia.client import AsyncClient, Client
from sequoia.criteria import Criteria, StringExpressionFactory
from sequoia.error import ClientError, RequestError, UnknownService
from sequoia.http import HttpExecutor
from sequoia.registry import RegisteredService, Registry


def test_the_registry_is_a_dict_of_services(sequoia):
    with new_client(sequoia) as made:
        registry = made._registry
        assert isinstance(registry, Registry)
        assert sorted(registry) == ["identity", "metadata", "validation", "workflow"]
        service = registry["metadata"]
        assert (service.name, service.owner, service.title) == ("metadata", "root", "Metadata")
        assert (service.location, registry.registry_url) == (sequoia.locations["metadata"], sequoia.registry_url)
        assert made.metadata is made["metadata"]
        assert made.metadata.contents.url == f"{sequoia.locations['metadata']}/data/contents"


def test_services_that_are_gone_are_forgotten(sequoia):
    with new_client(sequoia) as made:
        services = made._registry.http.get(sequoia.registry_url).data["services"]
        sequoia.behave("registry", body={"services": services[:2]})
        assert made.workflow
        made._registry.refresh()
        with pytest.raises(UnknownService):
            made.workflow  # noqa: B018


def test_an_awaited_registry_is_refreshed_by_await(sequoia):
    async def main():
        async with new_async_client(sequoia) as made:
            await made._registry.refresh()
            with pytest.raises(AttributeError, match="metadata"):
                made.metadta  # noqa: B018
        late = new_async_client(sequoia)
        with pytest.raises(UnknownService):
            await late.metadta.contents.read("o", "o:c")
        await late.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("answer", [{"services": [{"name": "x"}]}, {}, []])
def test_a_registry_that_cannot_be_used_is_told(sequoia, answer):
    sequoia.behave("registry", body=answer)
    with pytest.raises((KeyError, RequestError)):
        new_client(sequoia)
    with pytest.raises(KeyError, match="location"):
        RegisteredService({"name": "x", "owner": "o", "title": "t"})


@pytest.mark.parametrize("location", [None, "", 5, "metadata.example", "metadata.example:443"])
def test_a_service_that_is_nowhere_harms_no_other(sequoia, drive, location):
    entries = {
        "metadata": location,
        "workflow": sequoia.locations["workflow"],
        "identity": sequoia.locations["identity"],
    }
    services = [{"name": name, "owner": "o", "location": at, "title": name} for name, at in entries.items()]
    sequoia.behave("registry", body={"services": services})
    assert drive(lambda client: client.workflow.jobs.browse("o")).status == 200
    with pytest.raises(RequestError, match="not an absolute URL"):
        drive(lambda client: client.metadata.contents.read("o", "o:c"))


@pytest.mark.parametrize("location", [None, "", "identity.example"])
def test_a_provider_that_is_nowhere_is_told(sequoia, drive, location):
    entry = {"name": "identity", "owner": "o", "location": location, "title": "Identity"}
    sequoia.behave("registry", body={"services": [entry]})
    with pytest.raises(RequestError, match="/oauth/token' is not an absolute URL"):
        drive(lambda client: client.identity.users.browse("o"))


@pytest.mark.parametrize(
    "settings",
    [
        {"user_agent": 5},
        {"content_type": b"x"},
        {"correlation_id": 5},
        {"user_id": 5},
        {"application_id": 5},
        {"proxies": "http://proxy.example"},
        {"adapters": {"https://": None}},
        {"adapters": [5]},
    ],
)
@pytest.mark.parametrize("make", [new_client, new_async_client])
def test_a_setting_of_another_type_is_told_by_its_name(sequoia, make, settings):
    with pytest.raises(TypeError, match=f"^{next(iter(settings))} (is|are) "):
        make(sequoia, **settings)
    assert sequoia.requests == []


def test_copies_of_proxies_work(sequoia):
    add(sequoia, "contents", {"name": "c1"})
    with new_client(sequoia) as made:
        copies = [
            copy.copy(made).metadata.contents,
            copy.copy(made.metadata).contents,
            copy.copy(made.metadata.contents),
        ]
        assert [each.read("o", "o:c1").status for each in copies] == [200] * 3
        browser = copy.copy(made.metadata.contents.browse("o"))
        assert browser.resources == [content for page in browser for content in page.resources]
        response = made.metadata.contents.read("o", "o:c1")
        for again in (copy.copy(response), copy.deepcopy(response), pickle.loads(pickle.dumps(response))):
            assert (again.resources, again.status) == (response.resources, 200)


def test_a_client_can_be_asked_what_it_has(sequoia):
    with new_client(sequoia) as made:
        assert not hasattr(made, "x")
        assert hasattr(made, "metadata")
        assert not hasattr(made, "_nothing")
        assert not hasattr(made, "__nothing__")
        assert not hasattr(made.metadata, "_nothing")
        assert copy.copy(made)._registry is made._registry
        assert repr(made) == f"<Client {sequoia.registry_url}>"


def test_adapters_of_others_are_mounted(sequoia, drive):
    adapter = requests_mock.Adapter()
    services = [{"name": "metadata", "owner": "o", "location": "mock://metadata", "title": "t"}]
    adapter.register_uri("GET", "mock://registry/services", json={"services": services})
    adapter.register_uri("GET", "mock://metadata/data/contents/o:c1", json={"meta": {}, "contents": [{"a": 1}]})
    settings = {"adapters": [("mock://", adapter)], "auth_type": AuthType.BYO_TOKEN, "byo_token": "t"}
    made = Client("mock://registry/services", **settings)
    assert made.metadata.contents.read("o", "o:c1").resources == [{"a": 1}]
    request = adapter.request_history[-1]
    assert request.url == "mock://metadata/data/contents/o:c1?owner=o"
    assert (request.headers["authorization"], request.headers["accept"]) == ("Bearer t", "application/vnd.piksel+json")
    assert "Authorization" not in adapter.request_history[0].headers


@pytest.fixture
def mock():
    """Registry, provider and service, of which only an adapter of the caller's knows."""
    adapter = requests_mock.Adapter()
    names = ("identity", "metadata")
    services = [{"name": name, "owner": "o", "location": f"mock://{name}.example", "title": "t"} for name in names]
    contents = "mock://metadata.example/data/contents"
    page = {"meta": {"next": f"{contents}?page=2&owner=o"}, "contents": [1]}
    adapter.register_uri("GET", "mock://registry/services", json={"services": services})
    token = {"access_token": "at-1", "token_type": "bearer"}
    adapter.register_uri("POST", "mock://identity.example/oauth/token", json=token)
    adapter.register_uri("GET", contents, json=page)
    adapter.register_uri("GET", f"{contents}?page=2", json={"meta": {}, "contents": [2]})
    adapter.register_uri("POST", f"{contents}/", json={"contents": [3]}, status_code=201)
    TokenCache._token_storage.clear()
    return adapter


@pytest.mark.parametrize("mode", ["blocking", "awaited"])
def test_an_adapter_of_ones_own_gets_all_that_is_asked(mock, mode):
    settings = {"adapters": [("mock://", mock)], "grant_client_id": "id", "grant_client_secret": "s3cr3t"}
    criteria = Criteria().add(criterion=StringExpressionFactory.field("title").equal_to("a & b"))

    def browse(client):
        return client.metadata.contents.browse("o", criteria, query_string="perPage=1")

    def blocking():
        with Client("mock://registry/services?tenant=1", **settings) as made:
            assert [page.resources for page in browse(made)] == [[1], [2]]
            made.metadata.contents.store("o", [{"name": "c"}])
            made._http.get("mock://metadata.example/data/contents", {"q": "ü&="})

    async def awaited():
        async with AsyncClient("mock://registry/services?tenant=1", **settings) as made:
            assert [page.resources async for page in browse(made)] == [[1], [2]]
            await made.metadata.contents.store("o", [{"name": "c"}])
            await made._http.get("mock://metadata.example/data/contents", {"q": "ü&="})

    blocking() if mode == "blocking" else asyncio.run(awaited())
    assert [(request.method, request.url.removeprefix("mock://")) for request in mock.request_history] == [
        ("GET", "registry/services?tenant=1"),
        ("POST", "identity.example/oauth/token"),
        ("GET", "metadata.example/data/contents?perPage=1&owner=o&withTitle=a+%26+b"),
        ("GET", "metadata.example/data/contents?page=2&owner=o"),
        ("POST", "metadata.example/data/contents/?owner=o"),
        ("GET", "metadata.example/data/contents?q=%C3%BC%26%3D"),
    ]
    assert mock.request_history[4].json() == {"contents": [{"name": "c"}]}
    signed = [request.headers.get("Authorization") for request in mock.request_history]
    assert signed == [None, "Basic aWQ6czNjcjN0", *["Bearer at-1"] * 4]


@pytest.mark.parametrize("url", [None, "", 7, "registry", "/services/testmock"])
@pytest.mark.parametrize("make", [Client, AsyncClient])
def test_a_registry_url_that_is_none_is_told(url, make):
    with pytest.raises(ValueError, match=r"registry_url is a whole URL, such as https://.*, got"):
        make(url, auth_type=AuthType.NO_AUTH)


def test_proxies_carry_registry_token_and_calls(sequoia, drive):
    def forward(request):
        fields = {name: value for name, value in request.header_lines if name not in ("Host", "Content-Length")}
        answer = requests.request(request.method, request.target, data=request.body, headers=fields, timeout=30)
        return Reply(answer.status_code, content=answer.content)

    add(sequoia, "contents", {"name": "c1"})
    with serve(forward) as proxy:
        drive(lambda made: made.metadata.contents.read("o", "o:c1"), proxies={"http": proxy.url})
        assert [request.target for request in proxy.requests] == [
            sequoia.registry_url,
            f"{sequoia.locations['identity']}/oauth/token",
            f"{sequoia.locations['metadata']}/data/contents/o:c1?owner=o",
        ]


def test_proxies_are_used(sequoia):
    with pytest.raises(ClientError, match="connect to proxy"):
        new_client(sequoia, proxies={"http": "http://127.0.0.1:1"}, backoff_strategy={"max_tries": 1})


def test_an_executor_stands_alone(open_sequoia):
    location = open_sequoia.locations["metadata"]
    executor = HttpExecutor(NoAuth(), user_agent="x", correlation_id="c")
    assert executor.common_headers["X-Correlation-ID"] == "c"
    assert executor.request_timeout == env.DEFAULT_REQUEST_TIMEOUT_SECONDS == 240
    assert (executor.MAX_TIME_SECONDS, executor.DEFAULT_BACKOFF_CONF) == (120, {"interval": 0, "max_tries": 10})
    made = executor.post(f"{location}/data/contents/", [{"name": "x"}], {"owner": "o"}, resource_name="contents")
    assert (made.status, [one["name"] for one in made.resources]) == (201, ["x"])
    told = executor.put(f"{location}/business/x", {"a": 1}, headers={"Accept": "a/b"}).data
    assert told == {"method": "PUT", "path": "/business/x", "query": {}, "body": {"a": 1}}
    assert asked(open_sequoia)[-1].headers["accept"] == "a/b"
    assert executor.delete(f"{location}/business/x").status == 200
    with pytest.raises(RequestError, match="not an absolute URL"):
        executor.get("/x")
    executor.close()


def test_an_answer_that_is_not_json(sequoia, drive):
    sequoia.behave(CONTENTS, html=True)
    with pytest.raises(RequestError, match="not JSON"):
        drive(lambda made: made.metadata.contents.read("o", "o:c1"))
    sequoia.behave("workflow/business", body="plain")
    response = drive(lambda made: made.workflow.business("/business/x").browse("s"))
    assert (response.data, response._text, response._status_code) == (None, "plain", 200)


def test_names_of_the_contract():
    assert package.__version__ == "4.4.0"
    assert client.DIRECT_MODEL == "direct"
    assert (http.MAX_TOKEN_RETRIES, http.RETRY_HTTP_STATUS_CODES) == (3, "retry_http_status_codes")
    assert all(len(function()) == 4 for function in (http.linux_distribution, http.win32_ver, http.mac_ver))
    assert platform.python_version() in HttpExecutor.user_agent
    make = client.GenericEndpointProxy._build_correlation_id
    assert make("u", None) is None
    assert make("u", "a").startswith("u/a/")
    validate = client.ResourceEndpointProxy.validate_reference_to_update_with_json_reference
    assert validate({"ref": "o:n", "owner": "o", "name": "n"}, "o:n") is None
    assert client.ServiceProxy._service_models == {}


def test_names_in_urls_and_in_json():
    assert util.dash_case_to_camel_case("content-segments-2-x") == "contentSegments-2X"
    assert util.dash_case_to_camel_case("-a") == "-a"
    assert util.camel_case_to_dash_ase("contentSegments") == "content-segments"
    assert util.merge_dicts({"a": 1}, None, {"a": 2}) == {"a": 2}
    assert util.wrap({"contents": 1}, "contents") == '{"contents": 1}'
    assert util.unwrap({"x": 1}, "contents") == {"x": 1}
    with pytest.raises(ValueError, match=r"JSON|Expecting"):
        util.wrap("{", "contents")


def test_neither_backoff_nor_oauthlib_nor_asyncio_is_imported_before_it_is_needed():
    code = "import sequoia.client, sys; print([m for m in ('backoff', 'aiohttp') if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"

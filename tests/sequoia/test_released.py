"""What programs rely on that were written with the released SDK, found by running the same calls through both."""

from __future__ import annotations

import inspect
import io
import json

import pytest

from restwright.testing import Reply, serve
from sequoia import util
from sequoia.auth import Auth, AuthType, ClientGrantAuth, NoAuth, OAuth2SessionTokenManagementWrapper, TokenCache
from sequoia.client import Client, PageBrowser, ResponseBuilder
from sequoia.criteria import Criteria, Inclusion, StringExpressionFactory
from sequoia.error import ClientError, NotMatchingVersion
from sequoia.http import HttpExecutor
from sequoia.registry import Registry

DOCUMENT = {"ref": "o:c1", "owner": "o", "name": "c1"}
QUICK = {"interval": 0, "max_tries": 3, "jitter": None}


class Service:
    """A registry, a provider and the service `metadata` in one, which answers as it is told."""

    def __init__(self):
        self.reply = Reply(json={"meta": {}, "contents": [DOCUMENT]})
        self.server = serve(self.answer)
        self.location = self.server.url

    def answer(self, request):
        if request.path == "/services":
            names = ("identity", "metadata")
            entries = [{"name": name, "owner": "root", "location": self.location, "title": name} for name in names]
            return Reply(json={"services": entries})
        if request.path == "/oauth/token":
            return Reply(json={"access_token": "at-1", "token_type": "bearer"})
        return self.reply(request) if callable(self.reply) else self.reply

    def client(self, **settings):
        settings = {"auth_type": AuthType.NO_AUTH, "backoff_strategy": QUICK, **settings}
        return Client(f"{self.server.url}/services", **settings)

    @property
    def seen(self):
        return [request for request in self.server.requests if request.path not in ("/services", "/oauth/token")]

    @property
    def last(self):
        return self.seen[-1]


@pytest.fixture
def service():
    TokenCache._token_storage.clear()
    made = Service()
    with made.server:
        yield made


@pytest.fixture
def client(service):
    with service.client() as made:
        yield made


@pytest.mark.parametrize(
    ("made", "names"),
    [
        (Client, "registry_url proxies user_agent backoff_strategy adapters request_timeout model_resolution"),
        (HttpExecutor, "auth session proxies user_agent get_delay request_timeout backoff_strategy correlation_id"),
        (PageBrowser, "endpoint resource_name criteria query_string params prefetch_pages retry_when_empty_result"),
        (util.dash_case_to_camel_case, "resource_name"),
        (util.camel_case_to_dash_ase, "resource_name"),
    ],
)
def test_signatures_name_the_arguments_in_their_order(made, names):
    assert list(inspect.signature(made).parameters)[: len(names.split())] == names.split()


def test_an_endpoint_knows_whose_service_it_is_of(client):
    service = client.metadata.contents.service
    assert (service.name, service.owner, service.title) == ("metadata", "root", "metadata")


def test_a_member_that_is_null_is_no_resources(service, client):
    service.reply = Reply(json={"meta": {}, "contents": None})
    response = client.metadata.contents.read("o", "o:c1")
    assert response.resources is None
    assert response.data == {"meta": {}, "contents": None}


def test_entries_put_straight_into_criteria_count():
    criteria = Criteria()
    criteria.criterion_entries.add(StringExpressionFactory.field("title").equal_to("a"))
    criteria.inclusion_entries.add(Inclusion.resource("assets").fields("ref"))
    assert criteria.get_criteria_params() == {"withTitle": "a", "include": "assets", "assets.fields": "ref"}


def test_entries_taken_out_of_criteria_do_not_count():
    first, second = (StringExpressionFactory.field("title").equal_to(value) for value in "ab")
    criteria = Criteria().add(criterion=first).add(criterion=second)
    assert criteria.get_criteria_params() == {"withTitle": "b"}
    criteria.criterion_entries.remove(second)
    assert criteria.get_criteria_params() == {"withTitle": "a"}


@pytest.mark.parametrize("fields", [[], (), "", None])
def test_no_fields_are_not_asked_for(service, client, fields):
    client.metadata.contents.browse("o", fields=fields)
    assert service.last.target == "/data/contents?owner=o"


def test_a_browser_without_a_query_says_so(client):
    assert client.metadata.contents.browse("o").query_string is None


def test_business_browse_takes_its_service_by_name(service, client):
    client.metadata.business("/jobs/$service/$ref").browse(service="s", ref="o:r")
    assert service.last.target == "/jobs/s/o:r"


@pytest.mark.parametrize(
    ("given", "target"),
    [
        (("s", "o", {}, ""), "/jobs/s/o/"),
        (("s", 5, {}, 7), "/jobs/s/5/7"),
        (("a/b", "o", {}, "o:r/1"), "/jobs/a/b/o/o:r/1"),
        (("a?b", "o#p", {}, "o:r 1"), "/jobs/a%3Fb/o%23p/o:r%201"),
    ],
)
def test_business_store_fills_in_what_it_is_given(service, client, given, target):
    client.metadata.business("/jobs/$service/$owner/$ref").store(*given)
    assert service.last.target == target


def test_a_placeholder_that_is_not_there_needs_no_value(service, client):
    client.metadata.business("/jobs/$service").store("s", None, {}, "")
    assert service.last.target == "/jobs/s"


def test_writes_are_not_repeated_because_their_answers_are_empty(service):
    service.reply = Reply(204)
    with service.client(backoff_strategy={**QUICK, "retry_when_empty_result": True}) as client:
        contents = client.metadata.contents
        assert contents.delete("o", "o:c1").status == 204
        assert contents.update("o", json.dumps([DOCUMENT]), "o:c1", "1").status == 204
        assert contents.store("o", DOCUMENT).status == 204
        assert client._http.post(f"{service.location}/data/contents/", DOCUMENT, resource_name="contents").status == 204
        assert [request.method for request in service.seen] == ["DELETE", "PUT", "POST", "POST"]
        contents.read("o", "o:c1")
        assert len(service.seen) == 4 + 3


def test_a_write_is_repeated_on_an_empty_answer_if_its_caller_says_so(service, client):
    service.reply = Reply(json={"contents": []})
    url = f"{service.location}/search"
    client._http.request("POST", url, "{}", resource_name="contents", retry_when_empty_result=True)
    assert len(service.seen) == 3


@pytest.mark.parametrize(
    ("url", "params", "target"),
    [
        ("/x", {"b": [1, 2], "a": "y z", "c": None}, "/x?a=y+z&b=1&b=2"),
        ("/x?q=1", {"b": ("u", "v")}, "/x?q=1&b=u&b=v"),
        ("/x", {"b": 1, "a": 2}, "/x?a=2&b=1"),
    ],
)
def test_a_parameter_may_have_several_values(service, client, url, params, target):
    client._http.get(service.location + url, params)
    assert service.last.target == target


def test_params_that_are_no_dict_are_told(service, client):
    with pytest.raises(TypeError, match="params is a dict"):
        client._http.get(service.location, [("a", 1)])


@pytest.mark.parametrize(
    ("data", "body"),
    [
        ({"a": "b c"}, b"a=b+c"),
        ([("a", "1"), ("a", "2")], b"a=1&a=2"),
        (io.BytesIO(b"abc"), b"abc"),
        (io.StringIO("\u00fc"), "\u00fc".encode()),
        ("\u00fc", "\u00fc".encode()),
        (b"abc", b"abc"),
    ],
)
def test_content_is_taken_as_requests_takes_it(service, client, data, body):
    client._http.request("POST", f"{service.location}/x", data)
    assert service.last.body == body


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda http, url: http.request("POST", url, data=7), "data is text, bytes"),
        (lambda http, url: http.get(None), "url is a whole URL"),
        (lambda http, url: http.post(url, None), "a document is a list, a dict or JSON text, got None"),
    ],
)
def test_arguments_that_cannot_be_sent_are_told(service, client, call, message):
    with pytest.raises(TypeError, match=message):
        call(client._http, f"{service.location}/x")
    assert service.seen == []


def test_nothing_cannot_be_stored_or_deleted(service, client):
    with pytest.raises(TypeError, match="a document is"):
        client.metadata.contents.store("o", None)
    with pytest.raises(ValueError, match="ref is a text"):
        client.metadata.contents.delete("o", None)
    assert service.seen == []


def test_header_fields_that_are_none_are_left_out(service, client):
    client._http.request("GET", f"{service.location}/x", headers={"Accept": None, "X-Mine": "1"})
    assert "None" not in service.last.headers.values()
    assert service.last.headers["X-Mine"] == "1"


def test_common_headers_can_be_changed(service, client):
    headers = client._http.common_headers
    headers["X-Mine"] = "1"
    headers.update({"Accept": "text/x", "X-Correlation-ID": "c"})
    client.metadata.contents.read("o", "o:c1")
    assert (service.last.headers["X-Mine"], service.last.headers["Accept"]) == ("1", "text/x")
    del headers["X-Mine"]
    headers["Accept"] = None
    client.metadata.contents.read("o", "o:c1")
    assert "X-Mine" not in service.last.headers
    assert service.last.headers.get("Accept") != "text/x"


def test_common_headers_stay_at_home(service, client):
    client._http.common_headers["X-Mine"] = "secret"
    with serve([Reply(json={})]) as elsewhere:
        service.reply = Reply(302, headers={"Location": f"{elsewhere.url}/x"})
        client.metadata.contents.read("o", "o:c1")
        assert "X-Mine" not in elsewhere.requests[0].headers
        assert service.last.headers["X-Mine"] == "secret"


def test_a_strategy_can_be_changed(service, client):
    service.reply = Reply(500)
    client._http.backoff_strategy = {"interval": 0, "max_tries": 2, "max_time": 7}
    with pytest.raises(ClientError):
        client.metadata.contents.read("o", "o:c1")
    assert len(service.seen) == 2
    assert (client._http.backoff_max_time, client._http.backoff_strategy["max_tries"]) == (7, 2)


def test_the_defaults_of_the_class_can_be_changed(service, monkeypatch):
    service.reply = Reply(500)
    monkeypatch.setattr(HttpExecutor, "DEFAULT_BACKOFF_CONF", {"interval": 0, "max_tries": 2})
    monkeypatch.setattr(HttpExecutor, "MAX_TIME_SECONDS", 7)
    for given in (None, {}):
        with service.client(backoff_strategy=given) as client, pytest.raises(ClientError):
            client.metadata.contents.read("o", "o:c1")
        assert (client._http.backoff_max_time, client._http.backoff_strategy["max_tries"]) == (7, 2)
    assert len(service.seen) == 2 * 2


def test_a_timeout_can_be_changed(service):
    with service.client(backoff_strategy={"max_tries": 1}) as client:
        client.metadata.contents.read("o", "o:c1")
        client._http.request_timeout = 3
        assert {way.timeout for way in client._http.routes._ways.values()} == {(3.0, 3.0)}
        assert client._http.routes.way("http://other.example").timeout == (3.0, 3.0)
        assert client._http.routes.way("mock://other").timeout == (3.0, 3.0)
        with pytest.raises(ValueError, match="request_timeout"):
            client._http.request_timeout = -1


def test_a_subclass_of_auth_signs_by_being_called(service):
    class Own(Auth):
        def __call__(self, request):
            request.headers["X-Key"] = "k"
            return request

    HttpExecutor(Own()).get(f"{service.location}/x")
    assert service.last.headers["X-Key"] == "k"


def test_what_is_no_auth_is_told():
    with pytest.raises(TypeError, match=r"auth is made by AuthFactory.create\(\) or a subclass of Auth, got a tuple$"):
        HttpExecutor(("user", "password"))


def test_a_token_made_known_without_a_secret_is_used(service):
    url = f"{service.location}/oauth/token"
    TokenCache().add_token("id", url, {"access_token": "known"})
    auth = ClientGrantAuth("id", "secret", url)
    auth.init_session()
    assert auth.session.token["access_token"] == "known"
    assert service.server.requests == []
    assert TokenCache().get_token("other", url) is None


def test_the_scheme_of_a_url_may_be_in_capitals(service):
    with service.client(auth_type=AuthType.BYO_TOKEN, byo_token="t") as client:
        client._http.get(service.location.replace("http://", "HTTP://") + "/x")
    assert service.last.headers["Authorization"] == "Bearer t"


def test_related_resources_are_in_the_order_in_which_they_came():
    relationships = {"categories": {"fieldNamePath": "categoryRefs"}}
    descriptor = {"resourcefuls": {"contents": {"relationships": relationships}}}
    builder = ResponseBuilder(descriptor, Criteria().add_inclusion(Inclusion.resource("categories")))

    def categories(refs, linked):
        document = {"contents": [{"ref": "o:c1", "categoryRefs": refs}], "linked": {"categories": linked}}
        return builder.build(document, "contents")[0]["categories"]

    one, two = {"ref": "o:k1"}, {"ref": "o:k2"}
    assert categories(["o:k2", "o:k1", "o:k2", "o:k3"], [one, two]) == [one, two]
    assert categories(["o:k2"], []) == []
    assert categories(["o:k2"], [{"name": "k2"}]) is None


def test_a_conflict_is_told_in_the_words_of_the_sdk(service, client):
    said = {"error": "Precondition Failed", "message": "document cannot be changed - versions do not match"}
    service.reply = Reply(412, json=said)
    with pytest.raises(NotMatchingVersion, match=r"^Document cannot be updated\. Version does not match\.$") as caught:
        client.metadata.contents.update("o", json.dumps([DOCUMENT]), "o:c1", "1")
    assert caught.value.cause.message == said


def test_the_token_of_a_session_is_given_by_name():
    assert OAuth2SessionTokenManagementWrapper(token={"access_token": "t"}).token["access_token"] == "t"
    with pytest.raises(TypeError):
        OAuth2SessionTokenManagementWrapper(None, None, {"access_token": "t"})


def test_a_registry_is_read_by_an_executor_of_ones_own(service):
    registry = Registry(f"{service.location}/services", HttpExecutor(NoAuth()))
    assert sorted(registry) == ["identity", "metadata"]

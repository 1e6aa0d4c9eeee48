"""The documentation page in Chromium: complete, at work, and without a word to anybody but us."""

from __future__ import annotations

import contextlib
import secrets
import time

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa
from examples.orchard import Me, Orders, gardener, orchard
from playwright.sync_api import Browser, Locator, Page, expect

from rest_tools.server import RestServer
from rest_tools.utils import OpenIDAuth

SECRET = "a secret of sixty-four bytes, as the algorithm HS512 asks of it ..."
TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => console.error(`CSP: ${event.violatedDirective}`));
"""


@pytest.fixture
def visit(chromium: Browser):
    """Opens the page of a service, and sees to it that all goes well there until the end of the test."""
    with contextlib.ExitStack() as stack:

        def open_page(url: str) -> Page:
            context = stack.enter_context(chromium.new_context(viewport={"width": 1200, "height": 900}))
            context.add_init_script(TELL_VIOLATIONS)
            page = context.new_page()
            asked: list[str] = []
            complaints: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            page.on("console", lambda message: complaints.append(message.text))
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.goto(f"{url}/docs")
            expect(page.locator(".opblock").first).to_be_visible()

            def check() -> None:
                assert complaints == []
                assert f"{url}/openapi.json" in asked
                assert [one for one in asked if not one.startswith((f"{url}/", "data:"))] == []

            stack.callback(check)
            return page

        yield open_page


def opened(page: Page, operation: str) -> Locator:
    """The operation, unfolded and ready to be tried."""
    block = page.locator(f"[id$=-{operation}]")
    block.get_by_role("button").first.click()
    block.get_by_role("button", name="Try it out").click()
    return block


def executed(block: Locator) -> Locator:
    """The answer of the service, as the page shows it."""
    block.get_by_role("button", name="Execute").click()
    answer = block.locator(".live-responses-table .response")
    expect(answer).to_be_visible()
    return answer


def authorize(page: Page, token: str) -> None:
    page.get_by_role("button", name="Authorize").click()
    dialog = page.locator(".auth-container")
    expect(dialog).to_have_count(1)  # tokens can be pasted, and nothing else is offered
    dialog.locator("input").fill(token)
    dialog.get_by_role("button", name="Apply credentials").click()
    page.get_by_role("button", name="Close").last.click()


def test_it_shows_all_operations_and_all_that_they_take(serving, visit):
    with serving(orchard(SECRET)) as url:
        paths = requests.get(f"{url}/openapi.json", timeout=30).json()["paths"]
        page = visit(url)
        expect(page).to_have_title("Orchard")
        operations = [(path, *one) for path, item in paths.items() for one in item.items() if one[0] != "parameters"]
        expect(page.locator(".opblock")).to_have_count(len(operations))
        for path, method, operation in operations:
            block = page.locator(f"[id$=-{operation['operationId']}]")
            expect(block.locator(".opblock-summary-method")).to_have_text(method.upper())
            expect(block.locator(".opblock-summary-path")).to_have_attribute("data-path", path)
            expect(block.locator(".opblock-summary-description")).to_have_text(operation["summary"])
            block.get_by_role("button").first.click()
            for parameter in operation.get("parameters", []):
                row = block.locator(f"tr[data-param-name={parameter['name']}]")
                expect(row).to_contain_text(parameter["description"])
            if "requestBody" in operation:
                properties = operation["requestBody"]["content"]["application/json"]["schema"]["properties"]
                body = block.locator(".opblock-section-request-body")
                body.get_by_role("tab", name="Schema").click()
                for name, schema in properties.items():
                    argument = body.locator(".json-schema-2020-12-property").filter(has_text=name)
                    expect(argument.first).to_contain_text(schema["description"])


def test_an_operation_can_be_tried(serving, visit):
    with serving(orchard(SECRET)) as url:
        block = opened(visit(url), "getTrees")
        block.locator("tr[data-param-name=kind] select").select_option(["plum"])
        answer = executed(block)
        expect(answer.locator(".response-col_status")).to_contain_text("200")
        expect(answer.locator(".response-col_description")).to_contain_text('"kind": "plum"')
        expect(answer.locator(".response-col_description")).not_to_contain_text('"kind": "apple"')


def test_a_pasted_token_lets_pass(serving, visit):
    with serving(orchard(SECRET)) as url:
        page = visit(url)
        authorize(page, gardener(SECRET))
        block = opened(page, "deleteTree")
        block.locator("tr[data-param-name=number] input").fill("1")
        expect(executed(block).locator(".response-col_status")).to_contain_text("204")
        assert requests.get(f"{url}/trees/1", timeout=30).status_code == 404


def test_a_provider_is_not_asked_by_the_page(serving, visit):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    provider = "https://login.invalid/"
    auth = OpenIDAuth(provider, provider_info={"issuer": provider}, public_keys={"k": key.public_key()})
    server = RestServer()
    server.add_route("/me", Me, {"auth": auth})
    server.add_standard_routes()
    now = time.time()
    claims = {"sub": "bob", "iss": provider, "iat": now, "exp": now + 60}
    with serving(server) as url:
        page = visit(url)
        authorize(page, jwt.encode(claims, key, algorithm="RS256", headers={"kid": "k"}))
        answer = executed(opened(page, "getMe"))
        expect(answer.locator(".response-col_description")).to_contain_text('"user": "bob"')


def test_it_has_the_xsrf_token_that_a_server_with_signed_cookies_wants(serving, visit):
    server = RestServer(cookie_secret=secrets.token_hex(32))
    server.add_route("/orders", Orders)
    server.add_standard_routes()
    with serving(server) as url:
        assert requests.post(f"{url}/orders", json={"name": "x"}, timeout=30).status_code == 403
        answer = executed(opened(visit(url), "postOrders"))
        expect(answer.locator(".response-col_status")).to_contain_text("200")


def test_it_works_below_a_path_of_a_proxy(serving, visit, nginx):
    with (
        serving(orchard(SECRET)) as target,
        nginx(f"location /below/this/ {{ proxy_pass {target}/; }}") as url,
    ):
        answer = executed(opened(visit(f"{url}/below/this"), "getTrees"))
        expect(answer.locator(".response-col_status")).to_contain_text("200")

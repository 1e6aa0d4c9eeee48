"""A canary in every field that is secret: it is in no log, repr, text or pickle of an error, nor printed."""

from __future__ import annotations

import logging
import pickle
import traceback

import pytest
import requests

from restwright.errors import LoginError
from restwright.oauth2 import FileStore, MemoryStore, OAuth2, TokenSet
from restwright.testing import Reply
from restwright.testing.faults import bomb, hang_before, html, reset_before

CANARY = "canary"
DEVICE = {
    "device_code": "canary-device-code",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://idp.example/device",
    "expires_in": 0.2,
    "interval": 0.05,
}
GRANT = {
    "access_token": "canary-access-token",
    "refresh_token": "canary-refresh-token",
    "id_token": "canary-id-token",
    "token_type": "Bearer",
    "expires_in": 60,
}


def echo(request):
    """What was sent, whole, in everything that a refusal has."""
    text = request.body.decode()
    field = request.headers.get("Authorization", "")
    said = f"{text} {field}"
    return Reply(400, json={"error": f"invalid {said}", "error_description": said, "error_uri": f"https://x/?{text}"})


def reason(request):
    return Reply(500, text=request.body.decode())


ANSWERS = {
    "granted": Reply(json=GRANT),
    "refused with an echo": echo,
    "failed with an echo": reason,
    "html": html(200),
    "wrong type": Reply(json={**GRANT, "token_type": "mac"}),
    "bad expiry": Reply(json={**GRANT, "expires_in": "soon"}),
    "unusable token": Reply(json={**GRANT, "access_token": "canary access"}),
    "elsewhere": Reply(302, headers={"Location": "https://evil.example/?t=canary-location"}),
    "reset": reset_before(),
    "silent": hang_before(),
    "too large": bomb(1 << 22),
}


def come_back(url):
    import threading
    from urllib.parse import parse_qs, urlsplit

    sent = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    back = f"{sent['redirect_uri']}?code=canary-code&state={sent['state']}"
    threading.Thread(target=lambda: requests.get(back, timeout=30)).start()


PLANS = {
    "client credentials": lambda login: login.client_credentials(),
    "refresh": lambda login: login.refresh(),
    "device": lambda login: login.device_login(show=lambda authorization: None),
    "browser": lambda login: login.browser_login(open=come_back, timeout=2.0),
    "revoke": lambda login: login.revoke(),
}


@pytest.mark.parametrize(
    ("answer", "client_auth"),
    [*((answer, "basic") for answer in ANSWERS), ("refused with an echo", "body"), ("reset", "body")],
)
@pytest.mark.parametrize("plan", PLANS)
def test_no_secret_is_ever_shown(provider, caplog, capfd, tmp_path, drive, plan, answer, client_auth):
    caplog.set_level(logging.DEBUG)
    provider.script("/device", Reply(json={**DEVICE, "verification_uri": f"{provider.url}/enter"}))
    provider.script("/token", ANSWERS[answer])
    provider.script("/revoke", ANSWERS[answer] if answer != "granted" else Reply(200))
    store = FileStore(tmp_path / "tokens.json")
    login = OAuth2(provider.url, "app", "canary&secret", client_auth=client_auth, store=store, within=0.15)
    store.save(TokenSet("canary-old-access", expires_at=0.0, refresh_token="canary-old-refresh"))
    printed = [repr(login), repr(login.keeper), repr(store), repr(login.client)]
    try:
        printed.append(repr(drive(login, PLANS[plan](login))))
    except requests.RequestException as error:
        printed += shown(error)
    records = [record for record in caplog.records if not is_of_the_test(record)]
    printed += [record.getMessage() + str(record.exc_text) + repr(record.args) for record in records]
    printed += capfd.readouterr()
    assert not [text for text in printed if CANARY in text]


def shown(error):
    """All that an error shows, its causes included, also after a pickle."""
    while error is not None:
        yield "".join(traceback.format_exception(error))
        yield repr(error) + repr(vars(error)) + repr(error.args)
        request = getattr(error, "request", None)
        if request is not None:
            yield repr(vars(request))
        response = getattr(error, "response", None)
        if response is not None:
            yield repr(response.content)
        yield repr(pickle.dumps(error))
        yield repr(vars(pickle.loads(pickle.dumps(error))))
        error = error.__cause__


def is_of_the_test(record):
    """The browser's own connection, by plain `requests`."""
    return record.name == "urllib3.connectionpool" and "/callback" in record.getMessage()


def test_a_token_that_is_refused_is_shown_nowhere(provider, caplog, drive):
    caplog.set_level(logging.DEBUG)
    provider.script("/token", echo)
    login = OAuth2(provider.url, "app", store=MemoryStore(TokenSet.to_refresh("canary-refresh")), within=1.0)
    with pytest.raises(LoginError) as caught:
        drive(login, login.tokens())
    assert CANARY not in "".join(shown(caught.value)) + caplog.text

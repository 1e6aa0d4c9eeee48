"""A person logs in with another device: this one shows a code, and asks until it was entered (RFC 8628)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Final
from urllib.parse import urlencode

from restwright.errors import LoginError, LoginExpired, TlsError, TransportError, one_line, outline
from restwright.oauth2.answers import json_object, refusal
from restwright.oauth2.metadata import check_url
from restwright.oauth2.token_endpoint import Registration, post, request_tokens
from restwright.oauth2.tokens import TokenSet
from restwright.plan import Operation, Wait, Work

_INTERVAL: Final = 5.0  # seconds, unless the provider says otherwise (RFC 8628, 3.2)
_SLOWER: Final = 5.0  # seconds, for good, after `slow_down` (3.5)
_LONGEST: Final = 3600.0  # seconds that a code is taken to count, whatever the provider says
_VERIFIER: Final = 86


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """What a person is to be shown (RFC 8628, 3.2 and 3.3).

    Attributes:
        user_code: What to enter there.
        verification_uri: Where to go.
        verification_uri_complete: The same with the code in it, for a QR code or a link; None if the provider gives
            none.  Show the code all the same: it tells the person that it is the right login (3.3.1).
        expires_in: Seconds until the code counts no more.
        interval: Seconds between two questions for the outcome.
        device_code: What this device asks with; a secret.
    """

    user_code: str
    verification_uri: str
    verification_uri_complete: str | None
    expires_in: float
    interval: float
    device_code: str = field(repr=False)


def device_login(registration: Registration, *, show: Callable[[DeviceAuthorization], object]) -> Operation[TokenSet]:
    """Tokens for the person who enters the code.

    Args:
        registration: Who asks whom.
        show: Called with what the person needs, in a thread.

    Raises:
        LoginDenied: The person said no.
        LoginExpired: The code was not entered in time.
        LoginError: The provider refused for another reason, or its answer cannot be used.
        TransportError: The provider did not answer when the login began.
    """
    from oauthlib.oauth2 import DeviceClient

    asking: Any = DeviceClient(registration.client.client_id)
    verifier, proof = "", dict[str, str]()
    if registration.client.is_public:
        # Not in the RFC, but some providers want it; those that do not ignore it (RFC 6749, 3.1).
        verifier = asking.create_code_verifier(_VERIFIER)
        proof = {
            "code_challenge": asking.create_code_challenge(verifier, "S256"),
            "code_challenge_method": "S256",
        }
    begun = registration.clock()
    authorization = yield from _begin(registration, proof)
    yield Work(partial(show, authorization))
    form = asking.prepare_request_body(authorization.device_code, code_verifier=verifier or None, **registration.form)
    return (yield from _poll(registration, authorization, form, verifier, until=begun + authorization.expires_in))


def _begin(registration: Registration, proof: Mapping[str, str]) -> Operation[DeviceAuthorization]:
    members = {"scope": registration.scope, **registration.parameters, **registration.client.members, **proof}
    form = urlencode({name: value for name, value in members.items() if value})
    # Sent again where need be: a code that nobody has seen does no harm.
    request, response = yield from post(registration, "device_authorization_endpoint", form, repeatable=True)
    answer = json_object(response)
    if answer is None or response.status_code != 200 or "error" in answer:
        raise refusal(response, request, "no device login", registration.client.secrets)
    try:
        return _authorization_of(answer)
    except LoginError as error:
        error.request = outline(request)
        raise


def _authorization_of(answer: Mapping[str, Any]) -> DeviceAuthorization:
    # `verification_url` is what Google called it before the RFC.
    name, old_name = "verification_uri", "verification_url"
    if name not in answer and old_name in answer:
        name = old_name
    uri, complete = _text(answer, name), answer.get("verification_uri_complete")
    if not isinstance(complete, str):
        complete = None
    for each in filter(None, (uri, complete)):
        check_url(name, each)
    return DeviceAuthorization(
        # They are written to a terminal, which must not take them for commands.
        user_code=one_line(_text(answer, "user_code")),
        verification_uri=one_line(uri),
        verification_uri_complete=None if complete is None else one_line(complete),
        expires_in=min(_seconds(answer, "expires_in", _LONGEST), _LONGEST),
        interval=_seconds(answer, "interval", _INTERVAL),
        device_code=_text(answer, "device_code"),
    )


def _text(answer: Mapping[str, Any], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str) or not value:
        raise LoginError(f"the answer has no {name}")
    return value


def _seconds(answer: Mapping[str, Any], name: str, default: float) -> float:
    value = answer.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value <= 0:
        raise LoginError(f"{name} of the answer is {str(value)[:40]!r}: expected seconds, more than 0")
    return float(value)


def _poll(
    registration: Registration, authorization: DeviceAuthorization, form: str, verifier: str, *, until: float
) -> Operation[TokenSet]:
    """Ask until there is an outcome (RFC 8628, 3.4 and 3.5)."""
    interval = authorization.interval
    secrets = (authorization.device_code, verifier)
    while True:
        left = until - registration.clock()
        if left <= interval:
            raise LoginExpired(
                f"the code was not entered within {authorization.expires_in:g} seconds", error="expired_token"
            )
        yield Wait(interval)
        patient = replace(registration, within=min(registration.within, max(1.0, left - interval)))
        try:
            return (yield from request_tokens(patient, form, secrets=secrets, attempts=1))
        except TlsError:
            raise  # it will not get better
        except TransportError:
            interval *= 2  # 3.5: reduce the frequency after a time-out
        except LoginError as error:
            if error.error == "slow_down":
                interval += _SLOWER
            elif error.error in ("server_error", "temporarily_unavailable"):
                interval *= 2
            elif error.error != "authorization_pending":
                raise

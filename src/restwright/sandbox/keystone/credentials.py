"""User name and password, as both eras take them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from restwright.sandbox.keystone.answers import bad_request
from restwright.sandbox.keystone.call import Call
from restwright.sandbox.keystone.kinds import Invalid, Text
from restwright.sandbox.keystone.passwords import matches
from restwright.sandbox.keystone.tables.shared import now

__all__ = ["logged_in", "texts_of"]


def texts_of(call: Call, *names: str) -> list[str]:
    """Members of the body that have to be there.

    Raises:
        ApiError: 400, with messages by name.
    """
    data = call.content.data
    errors: dict[str, list[str]] = {}
    texts: list[str] = []
    for name in names:
        if data.get(name) is None:
            errors[name] = ["This field may not be null." if name in data else "This field is required."]
            continue
        try:
            texts.append(Text().parse(data[name]))
        except Invalid as fault:
            errors[name] = fault.messages
    if errors:
        raise bad_request(errors)
    return texts


def logged_in(call: Call) -> Any | None:
    """The user whose name and password are in the body, None if there is no such; notes the time.

    Raises:
        ApiError: 400, one is missing.
    """
    username, password = texts_of(call, "username", "password")
    model = call.application.era.user
    user = call.session.scalars(select(model).where(model.username == username)).first()
    if user is None or not user.is_active or not matches(password, user.password):
        return None
    user.last_login = now()
    call.session.flush()
    return user

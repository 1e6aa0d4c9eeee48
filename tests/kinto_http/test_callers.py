import asyncio
import warnings

import pytest

from kinto_http import AsyncClient, Client
from restwright.testing import Reply, serve

ANSWER = Reply(json={"data": {"id": "x"}, "permissions": {}}, headers={"Alert": "soft-eol"})


@pytest.mark.parametrize("client_class", [Client, AsyncClient])
def test_warnings_are_about_the_callers_line(client_class):
    """One for an id that becomes a slug, one for the deprecation that the server tells."""

    async def main(client):
        await client.get_record("a b")

    with serve([ANSWER]) as server, warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        client = client_class(server_url=server.url, auth=("a", "b"), collection="c")
        if isinstance(client, AsyncClient):
            asyncio.run(main(client))
        else:
            client.get_record("a b")
    assert [warning.category for warning in given] == [UserWarning, DeprecationWarning]
    assert {warning.filename for warning in given} == {__file__}

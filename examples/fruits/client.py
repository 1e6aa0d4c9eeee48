"""A customer and gardener of the fruit shop, see `server.py`.

python examples/fruits/client.py http://localhost:8080 "$(python examples/fruits/server.py token alice gardener)"
"""

from __future__ import annotations

import asyncio
import sys

import requests

from rest_tools.client import RestClient

PRICES = {"banana": 1.8, "cherry": 7.0, "fig": 9.5, "lemon": 3.2, "pear": 2.9}


async def plant(shop: RestClient) -> None:
    """Offer all fruits at once; what is there already stays as it is."""

    async def offer(name: str, price: float) -> None:
        try:
            await shop.request("POST", "/fruits", {"name": name, "price": price, "colour": "yellow"})
        except requests.HTTPError as error:
            if error.response.status_code != 409:
                raise
            print(f"{name}: {error.response.json()['error']}")

    await asyncio.gather(*(offer(name, price) for name, price in PRICES.items()))


def main() -> None:
    url, token = sys.argv[1:]
    with RestClient(url, token=token) as shop:
        asyncio.run(plant(shop))
        for fruit in shop.request_stream("GET", "/fruits", {"cheaper-than": 5}):
            print(f"{fruit['name']:8} {fruit['price']:5.2f} EUR")
        shop.request_seq("DELETE", "/fruits/lemon")
        print(shop.request_seq("GET", "/fruits/apple")["colour"])


if __name__ == "__main__":
    main()

"""Handlers and decorators as users write them; both type checkers must take it."""

from __future__ import annotations

from rest_tools.server import (
    KeycloakUsernameMixin,
    RestHandler,
    RestHandlerSetup,
    RestServer,
    authenticated,
    catch_error,
    keycloak_role_auth,
    role_authorization,
    scope_role_auth,
    token_attribute_role_mapping_auth,
)

project_role = token_attribute_role_mapping_auth({"admin": ["groups=/admins"]}, {r"\1/": [r"groups=/(\w+)"]})


class Fruits(KeycloakUsernameMixin, RestHandler):
    basket: list[str]

    @authenticated
    def get(self) -> None:
        self.write({"name": self.get_argument("name", ""), "user": self.current_user})

    @role_authorization(roles=["admin"])
    async def post(self, number: str) -> None:
        self.basket.append(number)

    @scope_role_auth(roles=["write"], prefix="fruits")
    @catch_error
    def put(self, number: str) -> None:
        self.basket.append(number)

    @keycloak_role_auth(roles=["admin"])
    async def delete(self, number: str) -> None:
        self.basket.remove(number)

    @project_role(roles=["admin"])
    def patch(self, number: str) -> None:
        self.basket.remove(number)


class Plain:
    @authenticated  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
    def get(self) -> None:
        """Of no handler."""


role_authorization(roles=[1])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
role_authorization(["admin"])  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

server = RestServer(max_body_size=1000)
server.add_route("/fruits", Fruits, RestHandlerSetup({"debug": True}))

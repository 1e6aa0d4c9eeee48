"""The descriptors `operation` and `listing`: one generator method, as many kinds of call as there are clients.

On a `SyncClient` an operation is a method that returns T, on an `AsyncClient` one that returns a coroutine,
on a `BatchClient` one that returns `Pending[T]`.  On the plain operations, or inside another operation, where `self` is
the plain operations object, it is the generator function itself.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
from collections.abc import Callable, Coroutine
from types import MethodType
from typing import Any, Concatenate, Generic, Never, ParamSpec, TypeVar, overload

from restwright.drivers.aio import AsyncPages
from restwright.drivers.batch import Pending
from restwright.drivers.sync import Pages
from restwright.plan import Listing, Operation

P = ParamSpec("P")
T = TypeVar("T")
ItemT = TypeVar("ItemT")


class Operations:
    """Base of every class whose methods are operations."""


class SyncMode:
    """What makes a client blocking: it runs plans and returns their results."""

    operations: Any
    """The plain `Operations` object that a plan gets as its `self`."""

    def run(self, plan: Operation[T]) -> T:
        """Drive a plan to its end."""
        raise NotImplementedError

    def pages(self, start: Callable[[], Listing[ItemT]]) -> Pages[ItemT]:
        """The items of a listing."""
        raise NotImplementedError


class AsyncMode:
    """What makes a client awaited."""

    operations: Any

    def run(self, plan: Operation[T]) -> Coroutine[Any, Any, T]:
        """Drive a plan to its end."""
        raise NotImplementedError

    def pages(self, start: Callable[[], Listing[ItemT]]) -> AsyncPages[ItemT]:
        """The items of a listing."""
        raise NotImplementedError


class BatchMode:
    """What makes a client queue its operations."""

    operations: Any

    def queue(self, plan: Operation[T]) -> Pending[T]:
        """Let a plan wait for the batch to be sent."""
        raise NotImplementedError


class operation(Generic[P, T]):  # noqa: N801 - used as a decorator
    """Turn a generator method into an API call of whichever client owns it."""

    # `self` is stripped here, once: a self-type in `__get__` fails in both type checkers.
    def __init__(self, plan: Callable[Concatenate[Any, P], Operation[T]]) -> None:
        self.plan = plan
        self.__doc__ = plan.__doc__
        self.__name__ = plan.__name__
        self.__wrapped__ = plan

        @functools.wraps(plan)
        def call(client: SyncMode, /, *args: P.args, **kwargs: P.kwargs) -> T:
            return client.run(plan(client.operations, *args, **kwargs))

        # Not `async def`: wrong arguments must fail at the call, and not at the `await`.
        @functools.wraps(plan)
        def call_async(client: AsyncMode, /, *args: P.args, **kwargs: P.kwargs) -> Coroutine[Any, Any, T]:
            return client.run(plan(client.operations, *args, **kwargs))

        @functools.wraps(plan)
        def queue(client: BatchMode, /, *args: P.args, **kwargs: P.kwargs) -> Pending[T]:
            return client.queue(plan(client.operations, *args, **kwargs))

        _mark_coroutine(call_async)
        signature = _signature_of_call(plan)
        for function in (call, call_async, queue):
            vars(function)["__signature__"] = signature
        self._kinds = _Kinds((SyncMode, call), (AsyncMode, call_async), (BatchMode, queue), (object, plan))

    @overload
    def __get__(self, instance: None, owner: type[SyncMode]) -> Callable[Concatenate[Any, P], T]: ...
    @overload
    def __get__(
        self, instance: None, owner: type[AsyncMode]
    ) -> Callable[Concatenate[Any, P], Coroutine[None, None, T]]: ...
    @overload
    def __get__(self, instance: None, owner: Any) -> Callable[Concatenate[Any, P], Operation[T]]: ...
    @overload
    def __get__(self, instance: SyncMode, owner: Any) -> Callable[P, T]: ...
    # None, and not Any as elsewhere: else mypy takes what asyncio.gather() gives for Any.
    @overload
    def __get__(self, instance: AsyncMode, owner: Any) -> Callable[P, Coroutine[None, None, T]]: ...
    @overload
    def __get__(self, instance: BatchMode, owner: Any) -> Callable[P, Pending[T]]: ...
    @overload
    def __get__(self, instance: Operations, owner: Any) -> Callable[P, Operation[T]]: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        return self._kinds.of(owner) if instance is None else self._kinds.bound_to(instance)


class listing(Generic[P, ItemT]):  # noqa: N801 - used as a decorator
    """Turn a page-yielding generator method into an iterable API call: `for`, `async for`, or `.pages()`.

    Args:
        plan: The method.
        whole: Name of the operation that returns all items in a list; `get_` and its own name if empty.
    """

    def __init__(self, plan: Callable[Concatenate[Any, P], Listing[ItemT]], whole: str = "") -> None:
        self.plan = plan
        self.__doc__ = plan.__doc__
        self.__name__ = plan.__name__
        self.__wrapped__ = plan

        def starter(operations: Any, *args: P.args, **kwargs: P.kwargs) -> Callable[[], Listing[ItemT]]:
            plan(operations, *args, **kwargs)  # never begun: wrong arguments shall fail at the call
            return lambda: plan(operations, *args, **kwargs)

        @functools.wraps(plan)
        def call(client: SyncMode, /, *args: P.args, **kwargs: P.kwargs) -> Pages[ItemT]:
            return client.pages(starter(client.operations, *args, **kwargs))

        @functools.wraps(plan)
        def call_async(client: AsyncMode, /, *args: P.args, **kwargs: P.kwargs) -> AsyncPages[ItemT]:
            return client.pages(starter(client.operations, *args, **kwargs))

        @functools.wraps(plan)
        def refuse(*_: Any, **__: Any) -> Any:
            instead = whole or f"get_{plan.__name__}"
            raise TypeError(f"{plan.__name__}() is read page by page and cannot wait in a batch: use {instead}()")

        signature = _signature_of_call(plan)
        for function in (call, call_async, refuse):
            vars(function)["__signature__"] = signature
        self._kinds = _Kinds((SyncMode, call), (AsyncMode, call_async), (BatchMode, refuse), (object, plan))

    @overload
    def __get__(self, instance: None, owner: Any) -> Callable[Concatenate[Any, P], Listing[ItemT]]: ...
    @overload
    def __get__(self, instance: SyncMode, owner: Any) -> Callable[P, Pages[ItemT]]: ...
    @overload
    def __get__(self, instance: AsyncMode, owner: Any) -> Callable[P, AsyncPages[ItemT]]: ...
    @overload  # it cannot be called
    def __get__(self, instance: BatchMode, owner: Any) -> Callable[[Never], None]: ...
    @overload
    def __get__(self, instance: Operations, owner: Any) -> Callable[P, Listing[ItemT]]: ...
    def __get__(self, instance: Any, owner: Any) -> Any:
        return self._kinds.of(owner) if instance is None else self._kinds.bound_to(instance)


def _mark_coroutine(function: Any) -> None:
    """Let `asyncio.iscoroutinefunction`, and so `AsyncMock` with a spec, see that calls are awaited."""
    if sys.version_info >= (3, 12):
        inspect.markcoroutinefunction(function)
    else:
        function._is_coroutine = vars(asyncio.coroutines)["_is_coroutine"]  # noqa: SLF001


def _signature_of_call(plan: Callable[..., Any]) -> inspect.Signature:
    """The signature a caller sees: `-> Record` where the plan says `-> Operation[Record]`."""
    signature = inspect.signature(plan)
    annotation = signature.return_annotation
    if isinstance(annotation, str) and annotation.startswith("Operation["):
        return signature.replace(return_annotation=annotation[len("Operation[") : -1])
    return signature


class _Kinds:
    """What an operation is on each kind of client, told by the client's type."""

    def __init__(self, *functions: tuple[type, Any]) -> None:
        self._functions = functions
        self._by_type: dict[type, Any] = {}

    def of(self, kind: type) -> Any:
        """The function that a class of this kind has."""
        function = self._by_type.get(kind)
        if function is None:
            function = next((function for base, function in self._functions if issubclass(kind, base)), None)
            if function is None:
                raise TypeError(f"operations cannot be used on a {kind.__name__}")
            self._by_type[kind] = function
        return function

    def bound_to(self, instance: object) -> Any:
        """The method of this client."""
        return MethodType(self.of(type(instance)), instance)

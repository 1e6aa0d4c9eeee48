"""The servers, one module a library, each run in an environment of its own by `benchmarks.servers.process`.

A module has `start(port, *, observed)`, which listens on the loopback address, inside the running event loop, and
answers the requests of `contract.REQUESTS`; `observed` adds what its library has for those who run a service.
"""

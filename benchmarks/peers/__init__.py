"""The client scripts, one module a library, each run in an environment of its own.

A module has those of these that its library can do:

- `sync_call(url)` and `async_call(url, in_flight)`: context managers of a call that fetches the record "r1";
- `held(url)`: the whole listing in one list;
- `streamed(url)` and `streamed_async(url)`: iterators over the records of the listing.
"""

"""Where the time of our `get_record` goes: `python -m benchmarks.profile_call`."""

from __future__ import annotations

import cProfile
import pstats

from benchmarks.peers.kinto_http import sync_call
from benchmarks.stub import stub

CALLS = 2000

if __name__ == "__main__":
    with stub(pages=1) as server, sync_call(server.url) as call:
        call()
        with cProfile.Profile() as profile:
            for _ in range(CALLS):
                call()
    pstats.Stats(profile).strip_dirs().sort_stats("tottime").print_stats(30)

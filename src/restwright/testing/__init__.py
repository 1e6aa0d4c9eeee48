"""For tests of one's own: plans by hand, a clock that can be moved, a real server in a thread, and its faults."""

from restwright.testing.clock import FakeClock
from restwright.testing.play import play
from restwright.testing.serve import Reply, SeenRequest, Server, serve

__all__ = ["FakeClock", "Reply", "SeenRequest", "Server", "play", "serve"]

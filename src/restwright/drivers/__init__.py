"""Drivers: the only code that waits or sends.  Each performs what a plan yields."""

from restwright.drivers.aio import AsyncPages, run_async
from restwright.drivers.batch import Batch, Pending
from restwright.drivers.sync import Pages, run

__all__ = ["AsyncPages", "Batch", "Pages", "Pending", "run", "run_async"]

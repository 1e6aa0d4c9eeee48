"""A client for Sequoia resource services: `from sequoia.client import Client, AsyncClient`."""

import logging

logging.getLogger("sequoia").addHandler(logging.NullHandler())

__version__ = "4.4.0"  # of the interface
__description__ = "A client for Sequoia resource services, blocking and awaited."
__url__ = "https://github.com/pikselpalette/sequoia-python-client-sdk"
__author__ = "The Restwright authors"

"""The services that a Sequoia client talks to, for tests and demos: a registry, logins and resources."""

from __future__ import annotations

import importlib.util

if importlib.util.find_spec("sqlalchemy") is None:
    raise ImportError("to run Sequoia services: pip install 'restwright[sandbox]'")

from restwright.sandbox.sequoia.kinds import Kind, Relationship, ResourceService
from restwright.sandbox.sequoia.misbehaviour import Misbehaviour
from restwright.sandbox.sequoia.running import SequoiaService, sequoia_service
from restwright.sandbox.sequoia.settings import Settings

__all__ = [
    "Kind",
    "Misbehaviour",
    "Relationship",
    "ResourceService",
    "SequoiaService",
    "Settings",
    "sequoia_service",
]

"""Real databases for the tests of plugins: the ones that the project's own tests have."""

from __future__ import annotations

from tests.conftest import pytest_collection_modifyitems  # noqa: F401 - marks what needs a service
from tests.real.fixtures import postgres_server, postgres_url  # noqa: F401 - found by their names here

collect_ignore = ["template"]
"""It is there to be copied, and tested as a copy: see tests/architecture/test_plugins.py."""

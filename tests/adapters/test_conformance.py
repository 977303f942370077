"""The SQL store keeps every promise of a store, on SQLite."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .suites import ChildTableSuite, SqlSuite


class _OnSqlite(SqlSuite):
    path: Path

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        self.path = tmp_path / "store.db"
        self.url = f"sqlite:///{self.path}"

    def connections(self) -> int | None:
        return sum(self._is_ours(fd) for fd in os.listdir("/proc/self/fd"))

    def _is_ours(self, fd: str) -> bool:
        try:
            return os.readlink(f"/proc/self/fd/{fd}") == str(self.path)
        except OSError:
            return False


class TestSqliteJsonList(_OnSqlite):
    """Steps as a JSON list."""


class TestSqliteChildTable(ChildTableSuite, _OnSqlite):
    """Steps in a table of their own."""

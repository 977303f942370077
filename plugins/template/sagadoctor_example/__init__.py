"""Sagas that lie as JSON files in a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sagadoctor.api.v1 import Options, StoreContext, StorePlugin

if TYPE_CHECKING:
    from .store import ExampleStore


class ExampleOptions(Options):
    """The settings of one store: `[stores.NAME]` with `plugin = "example"`."""

    folder: str
    """Where the files are; a relative path is beside the configuration."""


def _open(options: Any, context: StoreContext) -> ExampleStore:
    from .store import ExampleStore  # only now: what isn't configured costs nothing

    return ExampleStore(options.folder, context)


plugin = StorePlugin(options=ExampleOptions, open=_open, summary="sagas as JSON files in a folder")

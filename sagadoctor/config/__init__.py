"""One file, one environment: found, read, checked with every problem at once, and shown with where values are from."""

from .configuration import Configuration, Environment, LedgerSetting, Origins, StoreSetting
from .find import Found, find, folders, toml_files
from .load import load
from .secrets import resolve

__all__ = [
    "Configuration",
    "Environment",
    "Found",
    "LedgerSetting",
    "Origins",
    "StoreSetting",
    "find",
    "folders",
    "load",
    "resolve",
    "toml_files",
]

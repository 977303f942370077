"""One file, one environment: found, read, checked with every problem at once, and shown with where values are from."""

from .beside import sqlite_file
from .configuration import Configuration, Environment, LedgerSetting, Origins, StoreSetting
from .find import Found, example, find, folders, toml_files
from .load import load
from .read import plugins_named
from .secrets import resolve

__all__ = [
    "Configuration",
    "Environment",
    "Found",
    "LedgerSetting",
    "Origins",
    "StoreSetting",
    "example",
    "find",
    "folders",
    "load",
    "plugins_named",
    "resolve",
    "sqlite_file",
    "toml_files",
]

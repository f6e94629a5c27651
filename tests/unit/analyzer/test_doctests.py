"""The examples in the docstrings hold."""

import doctest
import pkgutil
from importlib import import_module

import pytest

from daedalus_analyzer import domain

MODULES = [f"{domain.__name__}.{module.name}" for module in pkgutil.iter_modules(domain.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_examples_hold(name: str) -> None:
    assert doctest.testmod(import_module(name)).failed == 0

"""Packages that import the contract for components from its former place."""

from __future__ import annotations

import importlib
import sys

import pytest


def test_the_former_place_works_and_names_the_new_one() -> None:
    sys.modules.pop("workbench.declaration", None)
    with pytest.warns(DeprecationWarning, match=r"workbench\.declaration is now workbench\.component"):
        former = importlib.import_module("workbench.declaration")
    contract = importlib.import_module("workbench.component")
    assert all(getattr(former, name) is getattr(contract, name) for name in ("Component", "number", "reference"))


def test_every_name_of_the_contract_is_there() -> None:
    contract = importlib.import_module("workbench.component")
    assert {name for name in contract.__all__ if getattr(contract, name, None) is None} == set()

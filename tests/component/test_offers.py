"""What other packages offer: a name that is taken, or that is no component, is the package's fault and told as such."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest

import workbench.component.offers as offers
from workbench.component.declaration import Component
from workbench.component.offers import Offer, resolve_clashes
from workbench.component.registry import SECTIONS
from workbench.plasticity.hebb import Hebb


@dataclass(frozen=True, kw_only=True)
class Mine(Component):
    """A rule of one package."""

    section: ClassVar[str] = "plasticity"
    name: ClassVar[str] = "mine"
    equation: ClassVar[str] = "dW = 0"


class Yours(Mine):
    """A rule of another package under the same name."""


class Impostor(Mine):
    """A rule under a name of the workbench."""

    name: ClassVar[str] = "hebb"


class Nowhere(Mine):
    """A component of a section that does not exist."""

    section: ClassVar[str] = "plastics"


def test_the_workbenchs_own_component_keeps_its_name() -> None:
    (found,) = resolve_clashes([Offer("a 1.0", "hebb", Impostor)], [Hebb], SECTIONS)
    assert found.component is None
    assert found.fault == "plasticity 'hebb' is offered by a 1.0 and workbench; workbench keeps it"


def test_a_name_that_two_packages_claim_is_given_to_neither() -> None:
    found = resolve_clashes([Offer("a 1.0", "mine", Mine), Offer("b 2.0", "mine", Yours)], [Hebb], SECTIONS)
    assert [offer.component for offer in found] == [None, None]
    assert "is offered by a 1.0 and b 2.0; neither is used" in found[0].fault
    assert "is offered by b 2.0 and a 1.0; neither is used" in found[1].fault


def test_one_class_under_two_entry_points_is_one_component() -> None:
    found = resolve_clashes([Offer("a 1.0", "mine", Mine), Offer("a 1.0", "too", Mine)], [Hebb], SECTIONS)
    assert [offer.component for offer in found] == [Mine, Mine]


def test_an_unknown_section_is_told() -> None:
    (found,) = resolve_clashes([Offer("a 1.0", "nowhere", Nowhere)], [Hebb], SECTIONS)
    assert found.fault.startswith("Nowhere.section is 'plastics' (known: population, ")


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("math:pi", "3.14159"),
        ("math:no_such_name", "AttributeError: module 'math' has no attribute 'no_such_name'"),
        ("workbench.plasticity.hebb:Hebb", "Hebb is the workbench's own"),
        ("workbench_has_no_such_module:Rule", "ModuleNotFoundError: No module named"),
    ],
    ids=["no class", "no such name", "not theirs", "no module"],
)
def test_what_an_entry_point_cannot_give_is_a_fault_and_no_exception(
    value: str, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "entry_points", lambda group: [EntryPoint("rule", value, group)])
    (found,) = offers.load_offers.__wrapped__()
    assert found.component is None and found.fault.startswith(fault)
    assert not Hebb.offered_by


def test_an_error_outside_other_packages_is_not_blamed_on_them() -> None:
    with pytest.raises(ZeroDivisionError) as caught:
        _ = 1 / 0
    assert offers.blame_package(caught.value) is None

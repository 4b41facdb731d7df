"""Components of other installed packages: found by entry points, known by package and source; loading may fail.

A broken package does not stop what does not need it; what needs it reports it.
"""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from workbench.component.declaration import Component
from workbench.errors import PackageFault, shorten

GROUP = "workbench.components"


@dataclass(frozen=True)
class Offer:
    """One entry point.

    Attributes
    ----------
    package : str
        Name and version of the distribution.
    point : str
        Name of the entry point, as a rule that of the component.
    component : class, optional
        None where it cannot be used; `fault` says why.
    """

    package: str
    point: str
    component: type[Component] | None
    fault: str = ""

    def __str__(self) -> str:
        return f"{self.package}: entry point {self.point}: {self.fault}"


@cache
def load_offers() -> tuple[Offer, ...]:
    """Return what the entry points offer, in the order of packages and names; faults are kept, not raised."""
    found = [_load(_package(point), point) for point in entry_points(group=GROUP)]
    return tuple(sorted(found, key=lambda offer: (offer.package, offer.point)))


def resolve_clashes(
    offers: Iterable[Offer], own: Iterable[type[Component]], sections: Iterable[str]
) -> tuple[Offer, ...]:
    """Return the offers; one under a name that is taken, or that two packages claim, has that as its fault.

    The workbench's own component keeps its name. Of two packages neither gets it: which one ran would depend on
    what else is installed.
    """
    taken = {(c.section, c.name): "workbench" for c in own}
    known, usable = tuple(sections), [offer for offer in offers if offer.component is not None]
    found = []
    for offer in offers:
        fault = offer.fault
        if (component := offer.component) is not None:
            key = (component.section, component.name)
            rivals = [taken[key]] if key in taken else sorted({o.package for o in usable if _rivals(o, offer)})
            if component.section not in known:
                fault = f"{component.__name__}.section is {component.section!r} (known: {', '.join(known)})"
            elif rivals:
                keeps = f"{rivals[0]} keeps it" if key in taken else "neither is used"
                fault = f"{key[0]} {key[1]!r} is offered by {' and '.join((offer.package, *rivals))}; {keeps}"
        found.append(dataclasses.replace(offer, fault=fault, component=None if fault else offer.component))
    return tuple(found)


def _rivals(other: Offer, offer: Offer) -> bool:
    a, b = other.component, offer.component
    return a is not None and b is not None and a is not b and (a.section, a.name) == (b.section, b.name)


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "unknown package"


def _load(package: str, point: EntryPoint) -> Offer:
    try:
        component = point.load()
        fault = _refuse_class(component)
        if not fault:
            component.parameters()
            component.offered_by = package
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a package may fail in any way while it is imported
        component, fault = None, format_error(error)
    return Offer(package, point.name, None if fault else component, fault)


def _refuse_class(component: Any) -> str:
    """Say why what an entry point names is no component; "" if it is one."""
    if not (isinstance(component, type) and issubclass(component, Component)):
        return f"{shorten(component)} is not a subclass of workbench.component.declaration.Component"
    if _root(component.__module__) == _root(__name__):
        return f"{component.__name__} is the workbench's own"
    missing = [name for name in ("section", "name", "equation") if not isinstance(getattr(component, name, None), str)]
    if missing:
        return f"{component.__name__} lacks {' and '.join(missing)}"
    if not hasattr(component, "__dataclass_fields__"):
        return f"{component.__name__} is not a dataclass"
    return ""


def format_error(error: BaseException) -> str:
    """Return an exception in one line."""
    return " ".join(traceback.format_exception_only(error)[-1].split())


def blame_package(error: BaseException) -> PackageFault | None:
    """Return the fault of the package in whose code `error` arose; None where no other package's code ran.

    The frame nearest to the error decides; a class is known by the name of the function that stood there.
    """
    offered = [offer.component for offer in load_offers() if offer.component is not None]
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        module, function = str(frame.f_globals.get("__name__", "")), frame.f_code.co_qualname
        near = [c for c in offered if _root(c.__module__) == _root(module)]
        for component in sorted(near, key=lambda c: (c.__module__ != module, function.split(".")[0] != c.__name__)):
            where = f"{component.section} {component.name!r} of the package {component.offered_by}"
            return PackageFault(f"{where} failed: {format_error(error)} ({frame.f_code.co_filename}, line {line})")
    return None


def _root(module: str) -> str:
    return module.partition(".")[0]

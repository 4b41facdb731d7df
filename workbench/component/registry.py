"""The table of all components: the sections of a scenario, and which classes a table of each may choose."""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType

from workbench.component.declaration import Component
from workbench.component.offers import Offer, load_offers, resolve_clashes

LOG = logging.getLogger("workbench")
OWN = (
    "workbench.circuit",
    "workbench.plasticity",
    "workbench.modulation",
    "workbench.pharmacology",
    "workbench.protocol",
    "workbench.tasks",
    "workbench.readouts",
)


@dataclass(frozen=True)
class Section:
    """A family of named tables: ``[population.NAME]`` with the key that chooses the component.

    `unread` says what is missing where a table of it acts on nothing.
    """

    name: str
    key: str
    default: str | None
    doc: str
    unread: str


SECTIONS: Mapping[str, Section] = MappingProxyType(
    {
        s.name: s
        for s in (
            Section(
                "population", "kind", "rate", "a group of units with one activity each", "nothing reads its activity"
            ),
            Section(
                "projection",
                "wiring",
                "dense",
                "connections from one population to another",
                "nothing reads what it carries",
            ),
            Section(
                "plasticity",
                "rule",
                "two_sided",
                "the learning rule of the projection of the same name",
                "nothing reads the weights that it changes",
            ),
            Section(
                "eligibility",
                "kind",
                "exponential",
                "an eligibility trace: what activity leaves at a synapse, decaying",
                "no rule reads the trace",
            ),
            Section(
                "homeostat",
                "kind",
                "sliding_threshold",
                "a slow process that holds activity in its range",
                "no rule reads its threshold",
            ),
            Section(
                "modulator",
                "source",
                None,
                "a transmitter signal that gates or scales plasticity",
                "nothing reads its signal",
            ),
            Section(
                "receptor",
                "kind",
                "competitive",
                "the share of receptors that a transmitter activates",
                "nothing reads its activation",
            ),
            Section(
                "gate",
                "form",
                None,
                "a factor on one side of plasticity, computed from a signal",
                "no rule reads the factor",
            ),
            Section(
                "link",
                "form",
                "linear",
                "a signal that scales a named number while the model runs",
                "nothing reads the number that it moves",
            ),
            Section(
                "drug",
                "model",
                None,
                "how a drug is absorbed, distributed and eliminated",
                "nothing reads its concentration",
            ),
            Section(
                "compartment",
                "kind",
                "peripheral",
                "where a drug goes beside the central compartment",
                "nothing reads the drug's concentration",
            ),
            Section(
                "occupancy",
                "form",
                "langmuir",
                "the share of receptors that a drug occupies",
                "nothing reads the share that it occupies",
            ),
            Section(
                "response",
                "form",
                None,
                "the effect of a drug, or of a signal that it drives: at once, delayed, or by turnover",
                "nothing reads it",
            ),
            Section(
                "dose",
                "regimen",
                "repeated",
                "what is given, how often and when",
                "nothing reads the drug's concentration",
            ),
            Section(
                "adjustment",
                "form",
                None,
                "what visits change about the doses that follow",
                "nothing depends on the doses that it changes",
            ),
            Section(
                "task", "kind", None, "what is shown, and what is rewarded", "nothing reads its reward or what it shows"
            ),
            Section("phase", "clock", "trial", "a stretch of the protocol on one clock", "nothing happens in it"),
            Section(
                "event",
                "kind",
                None,
                "something that happens at a time of an event-clock phase",
                "nothing depends on its phase",
            ),
            Section(
                "stimulus",
                "kind",
                "train",
                "what a tick-clock phase stimulates, and how",
                "nothing depends on the synapses that it stimulates",
            ),
            Section("bath", "fluid", "artificial_csf", "what surrounds a slice", "no stimulus is given in it"),
            Section(
                "window",
                "form",
                "two_stage",
                "a stretch of time after a drug in which something is different",
                "nothing reads it",
            ),
            Section(
                "session",
                "kind",
                "training",
                "therapy or its control at given times of a tick-clock phase",
                "nothing depends on the synapses that it teaches",
            ),
            Section(
                "expectancy",
                "form",
                "exponential",
                "improvement that needs neither drug nor session",
                "no scale reads it",
            ),
            Section(
                "scale",
                "form",
                "choice_weighted",
                "how a clinician's scale is read off the circuit",
                "nothing scores it",
            ),
            Section(
                "assessment", "kind", "visits", "the visits at which a scale is scored", "nothing reads its scores"
            ),
            Section("outcome", "readout", None, "one number per run", "nothing reads it"),
            Section("course", "readout", None, "the same readouts, recorded over time", "nothing reads it"),
        )
    }
)
"""Every family of named component tables. ``outcome`` and ``course`` choose from the same readouts."""


def _choosing(section: str) -> str:
    """Return the section whose components a section chooses from: courses record outcomes' readouts."""
    return "outcome" if section == "course" else section


class Registry:
    """The visible table of components: (section, name) to class.

    Attributes
    ----------
    absent : mapping (section, name) -> str
        What is known of components that are not here: whose they are and why they are missing. Section is "" where a
        package broke before it could say.
    """

    def __init__(
        self, components: Iterable[type[Component]] = (), absent: Mapping[tuple[str, str], str] | None = None
    ) -> None:
        self._classes: dict[tuple[str, str], type[Component]] = {}
        self._former: dict[tuple[str, str], str] = {}
        self.absent = dict(absent or {})
        self._sources: dict[type[Component], tuple[str, tuple[str, ...]]] = {}
        for component in components:
            self.add(component)

    def add(self, component: type[Component]) -> None:
        """Add one class; a name may be taken only once in its section."""
        key = (component.section, component.name)
        if component.section not in SECTIONS:
            raise ValueError(f"{component.__name__}.section is {component.section!r} (known: {', '.join(SECTIONS)})")
        if self._classes.get(key, component) is not component:
            raise ValueError(f"{key[0]} {key[1]!r} is already {self._classes[key].__name__}")
        fields = component.parameters()
        for old, new in component.former_fields.items():
            if new not in fields or old in fields:
                raise ValueError(f"{component.__name__}.former_fields: {old!r} cannot have become {new!r}")
        self._classes[key] = component
        for old in component.former_names:
            if self._former.setdefault((component.section, old), component.name) != component.name:
                taken = self._former[component.section, old]
                raise ValueError(f"{component.section} {old!r} is a former name of {taken!r} already")

    def extended(self, components: Iterable[type[Component]]) -> Registry:
        """Return a copy that also knows `components` (rules written in a notebook); those are marked unpackaged."""
        bigger = Registry(self._classes.values(), self.absent)
        for component in components:
            if (component.section, component.name) not in self._classes:
                component.packaged, component.offered_by = False, ""
            bigger.add(component)
        return bigger

    def get(self, section: str, name: str) -> type[Component]:
        """Return the class of a name or of a former name; KeyError if unknown."""
        section = _choosing(section)
        return self._classes.get((section, name)) or self._classes[section, self._former[section, name]]

    def former_names(self, section: str) -> Mapping[str, str]:
        """Return the names that components of a section had before, each with its name now.

        A name that another component took since means that one.
        """
        section = _choosing(section)
        taken = self._classes
        return {old: new for (at, old), new in self._former.items() if at == section and (at, old) not in taken}

    @property
    def has_former_names(self) -> bool:
        """Whether a component, or a field of one, was called otherwise before."""
        return bool(self._former) or any(component.former_fields for component in self._classes.values())

    def offers(self, section: str, name: str, what: str) -> bool:
        """Whether a component is here and offers `what`; of stored rows it may be one that is not."""
        return ("outcome" if section == "course" else section, name) in self and what in self.get(section, name).offers

    def clock(self, phase: str) -> str:
        """Return the clock of a kind of phase; "" of one that is not here."""
        return self.get("phase", phase).clock if ("phase", phase) in self else ""

    def look_again(self) -> None:
        """Forget what components that are not ours refer to: it may have changed since the last plan."""
        self._sources.clear()

    def source(self, component: type[Component]) -> str:
        """Return what identifies a component that is not ours, "" for ours, whose revision we raise.

        One that refers to what cannot be identified is another one in every plan, so that its runs are never reused.
        """
        return self._source(component)[0]

    def unidentified(self, component: type[Component]) -> tuple[str, ...]:
        """Return what a component refers to that cannot be identified, in words."""
        return self._source(component)[1]

    def _source(self, component: type[Component]) -> tuple[str, tuple[str, ...]]:
        if not component.offered_by and component.packaged:
            return "", ()
        if component not in self._sources:
            found = component.identity()
            once = hashlib.sha256(f"{found.sha256} {secrets.token_hex(32)}".encode()).hexdigest()
            self._sources[component] = once if found.unknown else found.sha256, found.unknown
        return self._sources[component]

    def remembering(self, absent: Mapping[tuple[str, str], str]) -> Registry:
        """Return a copy that can also say of `absent` components whose they are."""
        return Registry(self._classes.values(), {**absent, **self.absent})

    def why_absent(self, section: str, name: str) -> str:
        """Say whose a component is that is not here, and why it is missing; "" where nobody knows."""
        section = _choosing(section)
        return self.absent.get((section, name)) or self.absent.get(("", name), "")

    def names(self, section: str) -> tuple[str, ...]:
        """Return the component names of a section, sorted (courses use the outcome readouts)."""
        section = _choosing(section)
        return tuple(sorted(name for at, name in self._classes if at == section))

    def __iter__(self) -> Iterator[type[Component]]:
        return iter(self._classes[key] for key in sorted(self._classes))

    def __contains__(self, key: object) -> bool:
        return key in self._classes or key in self._former


def _components_of(room: str) -> Iterator[type[Component]]:
    """Yield the components of every file in a room; a base that others build upon has no name of its own."""
    for file in iter_modules(import_module(room).__path__):
        module = import_module(f"{room}.{file.name}")
        for found in vars(module).values():
            # Only what is defined there: a module also holds the classes that it imports.
            ours = isinstance(found, type) and issubclass(found, Component) and found.__module__ == module.__name__
            if ours and hasattr(found, "name"):
                yield found


@cache
def _offers() -> tuple[Offer, ...]:
    offers = resolve_clashes(load_offers(), (c for room in OWN for c in _components_of(room)), SECTIONS)
    for offer in offers:
        if offer.fault:
            LOG.warning("warning: %s; its component is left out", offer)
    return offers


def broken() -> tuple[Offer, ...]:
    """Return the entry points of other packages that cannot be used, with the fault of each."""
    return tuple(offer for offer in _offers() if offer.fault)


@cache
def registry() -> Registry:
    """Return the installed components: our own rooms, then those of installed entry points that can be used."""
    absent = {("", offer.point): f"is offered by {offer.package}, which is broken: {offer.fault}" for offer in broken()}
    own = (c for room in OWN for c in _components_of(room))
    return Registry((*own, *(offer.component for offer in _offers() if offer.component is not None)), absent)

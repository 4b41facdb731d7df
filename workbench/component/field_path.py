"""The path of a field of a scenario, ``section.name.field``, in its parts."""

from __future__ import annotations

from typing import NamedTuple


class FieldPath(NamedTuple):
    """Section, name of the table, and field; "" for a part that the path does not have.

    A field of a table within the table keeps its points: ``dose.thp.titration.step``.
    """

    section: str
    name: str
    field: str

    @property
    def table(self) -> str:
        """The path of the table."""
        return f"{self.section}.{self.name}"


def field_path(path: str) -> FieldPath:
    """Return the parts of a path."""
    section, _, rest = path.partition(".")
    name, _, field = rest.partition(".")
    return FieldPath(section, name, field)

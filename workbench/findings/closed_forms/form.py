"""What a closed form is: a formula with its source and its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["number", "list", "task"]
"""What an argument is: a number, a list of numbers, or a task, which stands for the covariance of its inputs."""


@dataclass(frozen=True)
class ClosedForm:
    """One formula.

    Attributes
    ----------
    equation : str
        What it says.
    source : str
        A key of the bibliography; "" for what follows in a line.
    needs : mapping name -> meaning
        Its arguments, each with its unit where it has one.
    value : callable
        The formula, with the arguments by name.
    kinds : mapping name -> kind
        Arguments that are no single numbers.
    """

    equation: str
    source: str
    needs: Mapping[str, str]
    value: Callable[..., float]
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def kind(self, argument: str) -> Kind:
        """Return what an argument is."""
        return self.kinds.get(argument, "number")

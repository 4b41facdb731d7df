"""How far two arms are apart over time, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass

from workbench.report.words import number, signed

DASH = "\N{EN DASH}"
GROWN = 1.05
"""A difference that is larger than at the last dose by this factor has grown since."""


@dataclass(frozen=True)
class Gap:
    """How far two arms are apart over time: at most and when, at the last dose if there are several, and at the end.

    Times are in `unit` ("trial", "day" or "h"); `last_dose` is None where no dose differs between the arms.
    """

    what: str
    arm: str
    against: str
    unit: str
    at: float
    largest: float
    end: float
    last_dose: float | None = None
    at_last_dose: float | None = None
    base_at_last: float | None = None
    base_end: float = 0.0

    @property
    def when(self) -> str:
        """The moment of the largest difference."""
        return self.moment(self.at)

    @property
    def after_last(self) -> float | None:
        """How long after the last of several doses that is; None without such doses."""
        return None if self.last_dose is None else self.at - self.last_dose

    @property
    def grows(self) -> bool:
        """Whether the difference has grown between the last dose and the end."""
        last = self.at_last_dose
        return last is not None and last * self.end > 0 and abs(self.end) > GROWN * abs(last)

    def moment(self, time: float) -> str:
        """Return a time as people say it."""
        return f"{number(time)} h" if self.unit == "h" else f"{self.unit} {number(time)}"

    def lasting(self, length: float) -> str:
        """Return a length of time as people say it."""
        return (
            f"{number(length)} h" if self.unit == "h" else f"{number(length)} {self.unit}{'' if length == 1 else 's'}"
        )

    @property
    def cells(self) -> tuple[str, ...]:
        """The row of the table."""
        last = DASH if self.last_dose is None else self.moment(self.last_dose)
        after = self.after_last
        later = DASH if after is None else self.lasting(after) if after > 0 else "before it"
        then = DASH if self.at_last_dose is None else signed(self.at_last_dose)
        base = DASH if self.base_at_last is None else number(self.base_at_last, even=True)
        return (
            self.what, self.arm, self.against, signed(self.largest), self.when, later, last, then, signed(self.end),
            base, number(self.base_end, even=True),
        )  # fmt: skip

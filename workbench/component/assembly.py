"""What a component may ask of the block that it is built into.

The engine's block answers these calls; a component knows no more of the engine than this page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from workbench.component.arrays import Array, Value

Function = Callable[[int], object]
"""A registered step; its argument is the trial's place within the current piece of steps."""


class Exposing(Protocol):
    """Something that moves by closed form between events: the running concentration of a drug."""

    resolution: int

    def advance(self, phase: str, start: Any, stop: Any, *, average: bool, look: bool = False) -> bool:
        """Advance from `start` to `stop` hours of a phase; return whether what it drives may have changed.

        A `look` shows what will be at `stop` and leaves no trace.
        """


class Drawn(Protocol):
    """A stream of draws: `table` (piece, size, subjects) holds those of the current piece."""

    table: Array


class Left(Protocol):
    """Eligibility traces that past activity left at the synapses of one rule."""

    def leave(self, drive: Array) -> None:
        """Leave a trace at the synapses of the runs for which activity is due."""

    def read(self) -> Array:
        """Return what is left of all traces now."""


class Forgetting(Protocol):
    """What is left of earlier events; a phase of the event clock begins with nothing left."""

    def clear(self) -> None:
        """Forget everything."""


class Stimulated(Protocol):
    """What stimulates one projection on the tick clock: `seconds` of the current step, `low` (0 or 1)."""

    seconds: float
    low: float

    def area(self, side: str, eligibility: Any) -> Callable[[], Value]:
        """Return a function that gives the area under the trace of "ltp" or "ltd" over the current step."""


class Summing(Protocol):
    """The inputs of all populations, put together from what each component contributes."""

    def own(self, signal: str, size: int, baseline: Value, noise: Value, *, quiet: bool) -> None:
        """Declare a population's own input."""

    def add(
        self,
        post: str,
        name: str,
        contribute: Callable[[Array], object],
        *,
        early: bool = False,
        writes: tuple[str, ...] = (),
    ) -> None:
        """Add a projection; `contribute` adds to the input in place."""

    def per_subject(self, post: str, name: str, pre: str, weight: Value, overlap: Value, accumulate: Any) -> bool:
        """Try to add a one-to-one projection from a shown source once per subject; False if it must be per run."""


class Stretches(Protocol):
    """How runs lie by subject; reads and writes what a subject is shown."""

    count: int

    def spreader(self, out: Array) -> Callable[[Array], None]:
        """Return a function that spreads a table ``(units, subjects)`` over the runs of `out`."""

    def by_lane(self, table: Any) -> Any:
        """Return ``(..., lanes)`` from a table ``(..., subjects)``."""

    def reader(self, index: NDArray[Any], source: Array, out: Array) -> Callable[[], object]:
        """Return a function that copies what `index` shows of `source` into `out`."""

    def writer(self, index: NDArray[Any], target: Array, values: Array) -> Callable[[], object]:
        """Return a function that copies `values` to where `index` points in `target`."""


class AssessedVisits(Protocol):
    """The visits of one assessment in one block."""

    phase: str
    hours: Array
    """When each visit falls in the phase, ``(visits, runs)``."""
    scores: Array
    """What was scored, ``(visits, runs)``; NaN before the visit."""
    listeners: list[Callable[[int, NDArray[Any], float], None]]
    """Who decides something on what was scored: called with the visit, the runs it was taken in, and the hour."""

    def begin(self, phase: str) -> None:
        """Await the visits of a phase."""

    def due(self, stop: float) -> bool:
        """Whether any run has a visit up to `stop` that was not taken yet."""

    def take(self, stop: float) -> None:
        """Score the visits up to `stop` that were not taken yet."""

    def tell(self, stop: float) -> None:
        """Let decide who decides on the visits just taken."""


class DoseFactors(Protocol):
    """What visits have made of the amounts of one regimen."""

    parts: dict[str, Array]
    ended: NDArray[Any]

    def change(self, name: str, factor: Array, after: float) -> None:
        """Let one adjustment have a factor for doses given after an hour of the protocol."""

    def factor(self, given: Value) -> Value:
        """Return the factor of the doses given at an hour of the protocol, in each run."""


class Assembly(Protocol):
    """The block, as components see it: what the structure says, buffers, driven signals, steps, noise."""

    runs: int
    piece: int
    trial: int
    clocks: tuple[str, ...]
    subjects: NDArray[Any]
    first_run: NDArray[Any]
    subject_index: NDArray[Any]
    signals: dict[str, Any]
    exposures: list[Exposing]
    exposing: dict[str, Exposing]
    forgetting: list[Forgetting]
    phase: str
    hours: Value
    ahead: dict[str, Array]
    """By phase, the hours ``(moments, 1 or runs)`` to which exposures will be advanced, as far as its clock knows."""
    span: tuple[float, float]
    visits: dict[str, AssessedVisits]
    adjusted: dict[str, DoseFactors]
    strayed: dict[str, dict[str, Any]]
    gridded: set[str]

    @property
    def lanes(self) -> Stretches:
        """The stretches of runs that share what they are shown."""

    @property
    def inputs(self) -> Summing:
        """What all populations receive."""

    def has(self, section: str, name: str) -> bool:
        """Return whether the table exists in this structure."""

    def all(self, section: str) -> Iterator[tuple[str, Any]]:
        """Yield (name, component) of a section, by name."""

    def naming(self, section: str, field: str, value: Any) -> Sequence[str]:
        """Return the names, sorted, of a section's tables that have this value in a field."""

    def component(self, section: str, name: str) -> Any:
        """Return the component of a table, made with this block's values."""

    def value(self, path: str) -> Value:
        """Return the number at ``section.name.field``, links applied."""

    def size(self, population: str) -> int:
        """Return the number of units."""

    def is_source(self, population: str) -> bool:
        """Return whether the population's activity comes from outside the circuit."""

    def is_cue(self, population: str) -> bool:
        """Return whether a task shows exactly one unit of this population at a time."""

    def sole_input(self, projection: str) -> bool:
        """Return whether the projection alone makes its population's input."""

    def empty(self, *shape: int) -> Array:
        """Return a new array ``(*shape, runs)``."""

    def scratch(self, slot: str, *shape: int) -> Array:
        """Return an array shared by all who ask for this slot and shape."""

    def signal(self, name: str, *shape: int) -> Array:
        """Reserve (once) and return a signal."""

    def state(self, name: str, *shape: int) -> Array:
        """Reserve (once) and return a signal that persists and is watched for divergence."""

    def layer(self, name: str, *shape: int, persists: bool = False) -> Array:
        """Reserve (once) and return a signal with the runs first; one that persists is watched for divergence."""

    def index(self, name: str) -> NDArray[Any]:
        """Reserve an integer signal ``(lanes,)``: what is shown."""

    def alias(self, name: str, array: Any) -> None:
        """Give an existing signal a second name."""

    def moving(self, name: str) -> Array:
        """Reserve a driven signal that changes while the model runs."""

    def provide(self, name: str, value: Value) -> None:
        """Offer a driven signal."""

    def build(self, section: str, name: str) -> None:
        """Build another table first (each is built once)."""

    def driven(self, name: str) -> Value:
        """Return a driven signal, building its component first if need be."""

    def derived(self, formula: Callable[..., Any], *args: Value) -> Value:
        """Return a formula of parameters, kept up to date with the driven signals behind it."""

    def leaves(self, value: Value) -> frozenset[str]:
        """Return what moves a value while the model runs, by name: concentrations and windows."""

    def evaluated(self, value: Value, levels: Mapping[str, Value]) -> Value:
        """Return what a value is where the signals that move it have `levels`."""

    def spread(self, value: Value, *shape: int) -> Value:
        """Return an array value repeated to ``(*shape, runs)``; a float as it is."""

    def read(self, name: str) -> Any:
        """Fetch a signal that the next registered step reads."""

    def write(self, *names: str) -> Any:
        """Fetch a signal that the next registered step overwrites."""

    def write_new(self, name: str) -> Array:
        """Reserve a signal ``(runs,)`` and fetch it for writing."""

    def update(self, name: str) -> Any:
        """Fetch a signal that the next registered step reads and changes in place."""

    def previous(self, name: str) -> Any:
        """Fetch a signal to read the value that the last step left in it."""

    def step(self, stage: str, function: Function, *, clock: str | None = None, on_demand: bool = False) -> None:
        """Register a function with everything fetched since the last one."""

    def on(self, kind: str, stage: str, function: Function) -> None:
        """Register a function for one kind of event of the event clock."""

    def normal(self, stream: str, size: int) -> Drawn:
        """Open a stream of normals, `size` per subject and step."""

    def uniform(self, stream: str, size: int) -> Drawn:
        """Open a stream of uniform numbers in [0, 1)."""

    def draw_once(self, stream: str, *shape: int) -> Array:
        """Return normals drawn once per subject, ``(*shape, runs)``."""

    def pattern(self, population: str, size: int) -> Array:
        """Return the table ``(piece, size, subjects)`` of what a task shows."""

    def gather_pattern(self, population: str) -> None:
        """Register the copy of a pattern into the population's activity."""

    def every_piece(self, hook: Callable[[int], None], *, late: bool = False) -> None:
        """Call `hook(steps)` at the start of each piece of steps."""

    def due(self, kind: str) -> Array:
        """Return the 0/1 signal ``(runs,)`` that says for whom an event of this kind is due now."""

    def stimulated(self, projection: str) -> Stimulated:
        """Return what stimulates a projection on the tick clock; asking for it says that its rule answers."""

    def stimulate(self, projection: str) -> None:
        """Refuse to stimulate a projection whose rule does not answer."""

    def marks(self, eligibility: str, shape: tuple[int, ...]) -> Left:
        """Return the traces that past activity left for one side of a rule."""

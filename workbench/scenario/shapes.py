"""The shape of every table, as pydantic models: which keys there are and of which type.

Component tables come from the components' own declarations. Meaning (units, ranges, references) is read
afterwards by `values`; the same models give the JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, create_model

from workbench.component.constraints import rules_of
from workbench.component.declaration import Component, Parameter
from workbench.scenario.names import PATTERN

MOST_SUBJECTS = 10_000_000
"""The largest number of subjects of a study."""
LIMIT = 1e18
"""The largest number a file may hold; anything larger is a typo or an attack."""

STRICT = ConfigDict(strict=True, extra="forbid")


class Shape(BaseModel):
    """Base of every table: unknown keys are errors and nothing is converted silently."""

    model_config = STRICT


def _form(value: object) -> str | None:
    """Return which way of writing a number `value` is."""
    if isinstance(value, dict):
        return "<ref>" if "ref" in value else "<evidence>"
    if isinstance(value, str):
        return "<text>"
    return "<bare>" if isinstance(value, (int, float)) and not isinstance(value, bool) else None


_BY_FORM = Discriminator(_form, custom_error_type="not_a_number", custom_error_message="not a number")

Number = Annotated[float, Field(ge=-LIMIT, le=LIMIT, allow_inf_nan=False)]
Words = Annotated[str, Field(min_length=1, description='a quantity with its unit, such as "30 mg"')]
Name = Annotated[str, Field(pattern=f"^{PATTERN}$")]
PlainNumber = Annotated[Annotated[Number, Tag("<bare>")] | Annotated[Words, Tag("<text>")], _BY_FORM]
Pair = Annotated[list[PlainNumber], Field(min_length=2, max_length=2)]
Names = list[str]
_ONE_OR_LIST = Discriminator(lambda value: "<many>" if isinstance(value, list) else "<one>")
OneOrMany = Annotated[
    Annotated[Name, Tag("<one>")] | Annotated[list[Name], Field(min_length=1), Tag("<many>")], _ONE_OR_LIST
]
AnyOf = Annotated[Annotated[Name, Tag("<one>")] | Annotated[list[Name], Tag("<many>")], _ONE_OR_LIST]


class RefShape(Shape):
    """A number taken from the parameter set."""

    ref: Name


class EvidenceShape(Shape):
    """A number with its plausible range and the reason to believe it."""

    value: PlainNumber
    range: Pair | None = None
    status: Literal["measured", "fitted", "assumed", "protocol"] = "assumed"
    source: str = ""
    fitted_to: Names = []
    note: str = ""


AnyNumber = Annotated[
    Annotated[Number, Tag("<bare>")]
    | Annotated[Words, Tag("<text>")]
    | Annotated[RefShape, Tag("<ref>")]
    | Annotated[EvidenceShape, Tag("<evidence>")],
    _BY_FORM,
]


def _field_type(parameter: Parameter) -> Any:
    """Return the pydantic type of one declared field."""
    plain: Mapping[str, Any] = {
        "number": AnyNumber,
        "numbers": Annotated[list[PlainNumber], Field(min_length=1)],
        "interval": Pair,
        "switch": bool,
        "reference": Name,
        "references": OneOrMany if parameter.required else AnyOf,
        "anchor": str,
        "path": str,
        "signal": str,
        "window": str,
        "dosing": Annotated[str, Field(min_length=1)],
    }
    if parameter.kind == "count":
        return Annotated[int, Field(ge=int(parameter.low), le=int(parameter.high))]
    if parameter.kind == "option":
        return Literal[parameter.choices]
    return plain[parameter.kind]


class RangeShape(Shape):
    """Which doses are plausible: the lowest and the highest, at one time and in a day."""

    single: Annotated[Pair | None, Field(description="at one time, in mg or mg/kg")] = None
    daily: Annotated[Pair | None, Field(description="in a day, in mg/day or mg/kg/day")] = None
    source: Annotated[OneOrMany, Field(description="keys of the bibliography")]
    note: str = ""


class ShippedRangeShape(RangeShape):
    """Plausible doses of a substance, with its other names."""

    also: Names = []


@cache
def component_shape(component: type[Component], key: str) -> type[Shape]:
    """Return the model of a component's table; `key` is the key that chose the component."""
    fields: dict[str, Any] = {
        key: (str, Field(None, description="which component")),
        "title": (str, Field("", description="words for reports")),
    }
    if component.draws:
        doc = "name of its random numbers, if not the table's own"
        fields["stream"] = (Name, Field(None, description=doc))
    if component.section == "drug":
        fields["substance"] = (str, Field("", description="the substance, if the table's name does not say it"))
        fields["plausible"] = (RangeShape | None, Field(None, description="which doses of it are plausible"))
    for parameter in component.parameters().values():
        measured = parameter.kind in ("number", "numbers", "interval") and parameter.unit != "1"
        doc = f"{parameter.doc} [{parameter.unit}]" if measured else parameter.doc
        doc = "; ".join((doc, *rules_of(parameter)))
        default = ... if parameter.required else None
        fields[parameter.name] = (_field_type(parameter), Field(default, description=doc))
    return create_model(f"{component.section}_{component.name}", __base__=Shape, __doc__=component.summary(), **fields)


@cache
def value_shape(parameter: Parameter) -> type[Shape]:
    """Return the model of one value of a declared field, under the key ``value``."""
    return create_model("value", __base__=Shape, value=(_field_type(parameter), ...))


class EffectShape(Shape):
    """A covariate scales a number: ``(value / reference) ** exponent``."""

    reference: PlainNumber
    exponent: Number


class TraitShape(Shape):
    """What differs between subjects."""

    distribution: Literal[
        "lognormal", "normal", "truncated_normal", "uniform", "bernoulli", "choice", "empirical", "table"
    ]
    on: str = ""
    mode: Literal["multiply", "set"] = "multiply"
    median: AnyNumber | None = None
    cv: AnyNumber | None = None
    mean: AnyNumber | None = None
    sd: AnyNumber | None = None
    low: AnyNumber | None = None
    high: AnyNumber | None = None
    p: AnyNumber | None = None
    values: list[PlainNumber] = []
    weights: list[Number] = []
    table: str = ""
    column: str = ""
    stream: Annotated[Name | None, Field(description="name of its random numbers, if not the table's own")] = None
    effects: dict[str, EffectShape] = {}


class SubjectsShape(Shape):
    """How many subjects, from which seed, and how they differ."""

    count: Annotated[int, Field(ge=1, le=MOST_SUBJECTS, description="the number of subjects")]
    seed: Annotated[int, Field(ge=0, le=2**63 - 1, description="the whole number that all chance starts from")]
    table: str = ""
    columns: dict[str, str] = {}
    trait: dict[str, dict[str, Any]] = {}
    correlation: dict[str, Annotated[float, Field(gt=-1, lt=1)]] = {}


SHORT = 24
"""How many letters an arm's short name may have."""


class ArmShape(Shape):
    """A named set of overrides."""

    title: str = ""
    short: Annotated[str, Field(min_length=1, max_length=SHORT, description="what figures and tables call the arm")] = (
        ""
    )
    condition: str | None = None
    extends: str | None = None
    with_: Annotated[Names, Field(alias="with")] = []
    without: Names = []
    set: dict[str, Any] = {}
    compare_with: str | None = None


class InteractionShape(Shape):
    """Two treatments crossed; their interaction is (both - first) - (second - neither), within each subject."""

    title: str = ""
    arms: Annotated[
        Names, Field(description="four arms: with both, with the first alone, with the second alone, with neither")
    ]


class AxisShape(Shape):
    """The values of one swept path."""

    values: Annotated[list[Any] | None, Field(min_length=1)] = None
    from_: Annotated[PlainNumber | None, Field(alias="from")] = None
    to: PlainNumber | None = None
    steps: Annotated[int | None, Field(ge=2)] = None
    scale: Literal["linear", "log"] = "linear"
    relative: bool = False
    zip: str = ""
    arms: Annotated[Names | None, Field(min_length=1)] = None


class StudyShape(Shape):
    """What is crossed: arms, points and subjects."""

    title: str = ""
    arms: Annotated[Names | None, Field(min_length=1)] = None
    subjects: Annotated[int | None, Field(ge=1, le=MOST_SUBJECTS)] = None
    record: bool = True
    outcomes: Annotated[Names | None, Field(min_length=1)] = None
    design: Literal["sobol", "lhs"] | None = None
    n: Annotated[int | None, Field(ge=1)] = None
    table: str = ""
    sweep: dict[str, Any] = {}


class ParameterShape(EvidenceShape):
    """One value of a parameter set."""

    meaning: str


class ParameterSetShape(Shape):
    """A parameter set file."""

    schema_: Annotated[Literal[1], Field(alias="schema")]
    name: Name
    version: str
    title: str
    parameter: dict[str, dict[str, Any]] = {}
    condition: dict[str, dict[str, Any]] = {}
    provenance: Annotated[
        dict[str, str | int | float | list[str]], Field(description="how a refitted set came about")
    ] = {}


class HeadShape(Shape):
    """The keys at the top of a scenario."""

    schema_: Annotated[Literal[1], Field(alias="schema", description="the version of the format: schema = 1")]
    title: Annotated[str, Field(min_length=1, description="the question in one line")]
    base: Annotated[str | None, Field(description="the scenario, or its file, that says what is not said here")] = None
    without: Annotated[Names, Field(description="tables of the base that are not taken from it")] = []
    parameters: Name | None = None
    summary: Names = []
    use: Annotated[dict[str, Any], Field(description="a table [use] with context and not_for")]
    report: dict[str, Any] | None = None
    subjects: dict[str, Any] | None = None

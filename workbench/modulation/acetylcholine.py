"""Acetylcholine tone, as the interneurons' own dopamine receptors leave it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from workbench.component.declaration import Component, number

if TYPE_CHECKING:
    from workbench.component.arrays import Value
    from workbench.component.assembly import Assembly


@dataclass(frozen=True, kw_only=True)
class Cholinergic(Component):
    """Tonic acetylcholine, lowered (or, where the sign is inverted, raised) by D2 receptors on interneurons.

    In units of the wild type's tone. `d2_efficacy` below 0 is the paradoxical excitation reported in mutant mice; its
    sign is contested.
    """

    section: ClassVar[str] = "modulator"
    name: ClassVar[str] = "cholinergic"
    drives: ClassVar[bool] = True
    equation: ClassVar[str] = "A = tone * (1 - d2_efficacy * d2_recruitment)"
    sources: ClassVar[tuple[str, ...]] = ("Scarduzio2017", "Martella2014", "Xing2022")

    tone: Value = number(1.0, "1", "tonic acetylcholine before D2 control, wild type = 1", low=0.0, high=100.0)
    d2_efficacy: Value = number(1.0, "1", "what D2 receptors on interneurons do to their firing", low=-1.0, high=1.0)
    d2_recruitment: Value = number(0.8, "1", "share of that control recruited by dopamine", low=0.0, high=1.0)

    def build(self, block: Assembly, name: str) -> None:
        """Offer the level as a driven signal."""
        level = block.derived(
            lambda tone, d2, share: tone * (1.0 - d2 * share), self.tone, self.d2_efficacy, self.d2_recruitment
        )
        block.provide(f"modulator.{name}", level)

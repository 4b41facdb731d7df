"""Published observations as data: what a paper reports, and what of it the model must show.

Read from ``data/findings/NAME.toml``, checked against the scenario that each names, and given the role that follows
from what the parameters were set with. Nothing here looks at results.
"""

from __future__ import annotations

"""The former place of `workbench.component`, for packages that still import it from here."""

from __future__ import annotations

import warnings

from workbench.component.declaration import *  # noqa: F403

warnings.warn("workbench.declaration is now workbench.component: import from there", DeprecationWarning, stacklevel=2)

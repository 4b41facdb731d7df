"""How the pages are built: ``sphinx-build -W docs build/docs``. No network is needed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

from inventories import written  # noqa: E402

import workbench  # noqa: E402

project = "workbench"
author = "the workbench developers"
copyright = author  # noqa: A001 - Sphinx's own name for it
version = release = workbench.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "from_code",
]
exclude_patterns = ["_build"]
nitpicky = False

myst_heading_anchors = 3
myst_enable_extensions = ["deflist", "attrs_inline"]

autodoc_typehints = "none"
autodoc_member_order = "bysource"
autosummary_generate = False
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = {"of", "a", "optional", "default", "TOML", "file", "path"}
numpydoc_xref_aliases = {
    "DataFrame": "pandas.DataFrame",
    "sequence": "collections.abc.Sequence",
    "mapping": "collections.abc.Mapping",
    "bool": "python:bool",
    "Path": "pathlib.Path",
}

# Where names of other projects are explained. The names that are used here are listed in _inventories, so that a build
# asks nobody; with WORKBENCH_DOCS_ONLINE=1 the projects' own lists are fetched instead.
PROJECTS = {
    "python": "https://docs.python.org/3/",
    "numpy": "https://numpy.org/doc/stable/",
    "pandas": "https://pandas.pydata.org/docs/",
}
intersphinx_mapping = {
    name: (
        url,
        None
        if os.environ.get("WORKBENCH_DOCS_ONLINE")
        else written(name, (HERE / "_inventories" / f"{name}.txt").read_text(encoding="utf-8")),
    )
    for name, url in PROJECTS.items()
}

html_sidebars = {"**": ["globaltoc.html"]}
html_theme = "pydata_sphinx_theme"
html_title = "workbench"
html_static_path = ["_static"]
html_css_files = ["pages.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "workbench"},
    "navbar_center": [],
    "navbar_end": ["theme-switcher"],
    "show_prev_next": True,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}

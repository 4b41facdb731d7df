"""One module per kind of figure; each turns frames of `workbench.analysis` into panels of SVG."""

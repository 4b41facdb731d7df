"""The page in a real browser: no request leaves it, nothing is wider than the screen, nothing shuts a reader out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from support.aimed import aimed

from workbench.report import build_report

NAMES = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next((found for name in NAMES if (found := shutil.which(name))), None)
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)  # fmt: skip
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine (apt-get install chromium)")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("browser")
    return build_report(aimed(folder / "a.db", subjects=6, design=True), folder / "a.html")


def browse(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={folder}/profile", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)


def requested(log: Path) -> list[str]:
    """Return the addresses outside this machine that a page asked for; what the browser wants itself has no origin."""
    events = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    asked = [e["url"] for e in events if "url" in e and e.get("initiator", "not an origin") != "not an origin"]
    return [address for address in asked if not address.startswith(("file:", "data:"))]


def test_a_request_would_be_noticed(tmp_path):
    bad, log = tmp_path / "bad.html", tmp_path / "net.json"
    bad.write_text("<img src='http://example.invalid/x.png'>", encoding="utf-8")
    browse(tmp_path, f"--log-net-log={log}", "--dump-dom", f"file://{bad}")
    assert set(requested(log)) == {"http://example.invalid/x.png"}


def test_R03_loading_the_page_makes_no_request_and_no_console_error(page, tmp_path):
    log = tmp_path / "net.json"
    done = browse(tmp_path, "--enable-logging=stderr", "--v=0", f"--log-net-log={log}", "--dump-dom", f"file://{page}")
    assert "<figure" in done.stdout
    assert "CONSOLE" not in done.stderr
    assert requested(log) == []


def with_script(page: Path, target: Path, script: str) -> Path:
    """Write a copy of the page that may run a script: the page itself must hold none."""
    text = page.read_text(encoding="utf-8").replace("Content-Security-Policy", "X-None")
    target.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    return target


def measured(page: Path, folder: Path, width: int, expression: str) -> Any:
    """Return what an expression gives in a frame of so many pixels (a window cannot be as narrow as a phone)."""
    script = f"onload=()=>{{document.documentElement.dataset.found=JSON.stringify({expression})}}"
    with_script(page, folder / "inner.html", script)
    frame = f"<iframe src='inner.html' style='width:{width}px;height:800px;border:0'></iframe>"
    tell = "<script>onload=()=>{document.body.dataset.found=frames[0].document.documentElement.dataset.found}</script>"
    (folder / "probe.html").write_text(f"<body>{frame}{tell}</body>", encoding="utf-8")
    flags = ("--allow-file-access-from-files", "--virtual-time-budget=4000", "--dump-dom")
    done = browse(folder, *flags, f"file://{folder}/probe.html")
    return json.loads(unescape(re.findall(r'data-found="([^"]*)"', done.stdout)[-1]))


PHONE, LAPTOP, A4, A4_TALL = 390, 1280, 695, 1009


@pytest.mark.parametrize("width", [PHONE, A4, LAPTOP])
def test_R03_nothing_is_wider_than_the_screen(page, tmp_path, width):
    wide = "document.documentElement.scrollWidth>document.documentElement.clientWidth"
    assert measured(page, tmp_path, width, wide) is False


def test_R03_no_drawing_is_too_tall_for_a_sheet(page, tmp_path):
    heights = measured(page, tmp_path, A4, "[...document.querySelectorAll('.panel')].map(p=>p.offsetHeight)")
    assert len(heights) > 5 and max(heights) < A4_TALL


def test_R03_the_page_prints_to_pdf(page, tmp_path):
    target = tmp_path / "page.pdf"
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={target}", f"file://{page}")
    assert target.read_bytes().startswith(b"%PDF")


def faults(page: Path, folder: Path) -> list[tuple[str, str, str]]:
    """Return what axe-core finds wrong: how bad, which rule, and the first element; folds are opened for it."""
    library = find_spec("axe_core_python")
    if library is None or library.origin is None:
        pytest.skip("no axe-core here (pip install axe-core-python)")
    rules = (Path(library.origin).parent / "axe.min.js").read_text(encoding="utf-8")
    run = (
        'addEventListener("load",()=>{for(const d of document.querySelectorAll("details"))d.open=true;'
        "axe.run().then(r=>{document.body.dataset.axe=JSON.stringify("
        "r.violations.map(v=>[v.impact,v.id,v.nodes[0].html.slice(0,200)]))})})"
    )
    copy = with_script(page, folder / "axe.html", f"{rules}</script><script>{run}")
    done = browse(folder, "--virtual-time-budget=60000", "--dump-dom", f"file://{copy}")
    found = re.findall(r'data-axe="([^"]*)"', done.stdout)
    assert found, "axe-core did not come to an end"
    return [tuple(one) for one in json.loads(unescape(found[-1]))]


def test_R03_nothing_shuts_out_a_reader_with_a_screen_reader_or_a_keyboard(page, tmp_path):
    assert [one for one in faults(page, tmp_path) if one[0] in ("serious", "critical")] == []


def test_a_page_that_shuts_readers_out_would_be_noticed(tmp_path):
    bad = tmp_path / "bad.html"
    bad.write_text("<html><body><img src='data:,'><input></body></html>", encoding="utf-8")
    assert {"image-alt", "label"} <= {rule for _, rule, _ in faults(bad, tmp_path)}

"""The page in a real browser: no request leaves it, no error is raised, nothing is wider than the screen."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from fabricated import fabricate

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
    return build_report(fabricate(folder / "a.db", subjects=6), folder / "a.html")


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


@pytest.mark.parametrize("width", [390, 1280])
def test_R03_nothing_is_wider_than_the_screen(page, tmp_path, width):
    # The page itself must hold no script: a copy does, to be measured in a frame of the phone's width.
    probe = tmp_path / "probe.html"
    measured = page.read_text(encoding="utf-8").replace("Content-Security-Policy", "X-None")
    script = (
        "<script>onload=()=>{const d=document.documentElement;"
        "d.dataset.wide=String(d.scrollWidth>d.clientWidth)}</script>"
    )
    (tmp_path / "inner.html").write_text(measured.replace("</body>", script + "</body>"), encoding="utf-8")
    frame = f"<iframe src='inner.html' style='width:{width}px;height:800px;border:0'></iframe>"
    tell = "<script>onload=()=>{document.body.dataset.wide=frames[0].document.documentElement.dataset.wide}</script>"
    probe.write_text(f"<body>{frame}{tell}</body>", encoding="utf-8")
    done = browse(
        tmp_path, "--allow-file-access-from-files", "--virtual-time-budget=4000", "--dump-dom", f"file://{probe}"
    )
    assert 'data-wide="false"' in done.stdout


def test_R03_the_page_prints_to_pdf(page, tmp_path):
    target = tmp_path / "page.pdf"
    browse(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={target}", f"file://{page}")
    assert target.read_bytes().startswith(b"%PDF")

"""The two pages that are handed to clinicians: small, quickly made, complete on few sheets, silent on the network."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from support.shipped_runs import Shipped

from workbench.analysis.selection import select
from workbench.analysis.timeline import timeline
from workbench.report import build_report

BROWSER = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine (apt-get install chromium)")
HANDED_OUT = pytest.mark.parametrize("scenario", ["dystonia", "ketamine_therapy"])
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND")  # fmt: skip
BYTES, SHEETS = 3_000_000, 15


@HANDED_OUT
def test_the_first_screen_names_who_what_how_much_and_what_it_costs(shipped: Shipped, scenario: str) -> None:
    page = shipped.page(scenario).read_text(encoding="utf-8")
    first = page[: page.index('id="uncertainty"')]
    text = re.sub("<[^>]+>", " ", first)
    population = {
        "dystonia": "isolated inherited generalised dystonia",
        "ketamine_therapy": "treatment-resistant depression",
    }
    assert f"simulated patients with {population[scenario]}" in text
    assert "sets of parameters" in text or "With one set of assumptions" in text
    assert "Research use only" in text and "What stands against it" in text and "What the model cannot say" in text
    told = page[: page.index('id="appendix"')].lower()  # the appendix holds equations and titles of works
    assert not re.search(r"significan|p-value|\bp\s*[<=]", re.sub("<[^>]+>", " ", told))
    assert len(page.encode()) < BYTES


def test_making_it_again_gives_the_same_bytes_in_seconds(shipped: Shipped, tmp_path: Path) -> None:
    begun = time.process_time()
    again = build_report(shipped.db("dystonia"), tmp_path / "again.html")
    assert time.process_time() - begun < 10.0
    assert again.read_bytes() == shipped.page("dystonia").read_bytes()


def test_times_of_doses_sessions_and_visits_are_those_that_the_file_speaks_of(shipped: Shipped) -> None:
    found = timeline(select(shipped.db("ketamine_therapy")), "both")
    assert found is not None and found.unit == "day"
    lanes = {lane.name: lane.at for lane in found.lanes}
    assert lanes["infusion"] == (0.0,) and lanes["training"] == tuple(1 + i / 2 for i in range(8))
    assert lanes["month"] == (1.0, 8.0, 15.0, 22.0, 30.0) and lanes["day_90"] == (90.0,) and "cbt" not in lanes


@browser
@HANDED_OUT
def test_it_prints_on_few_sheets_and_asks_for_nothing(shipped: Shipped, scenario: str, tmp_path: Path) -> None:
    page, sheets, log = shipped.page(scenario).absolute(), tmp_path / "a.pdf", tmp_path / "net.json"
    options = (f"--user-data-dir={tmp_path}/profile", f"--log-net-log={log}", "--enable-logging=stderr")
    command = [str(BROWSER), *FLAGS, *options, "--no-pdf-header-footer", f"--print-to-pdf={sheets}", f"file://{page}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in done.stderr
    events = [event.get("params", {}) for event in json.loads(log.read_text())["events"]]
    asked = [e["url"] for e in events if "url" in e and e.get("initiator", "not an origin") != "not an origin"]
    assert [address for address in asked if not address.startswith(("file:", "data:"))] == []
    assert 5 <= len(re.findall(rb"/Type\s*/Page\b(?!s)", sheets.read_bytes())) <= SHEETS

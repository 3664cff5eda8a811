"""The page keeps to its window: measured by a real browser, by a script that is put into a copy of it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sovaudit.model.report import Passed
from sovaudit.reports.html import render_html
from tests import report_samples as samples

MEASURE = """<script>addEventListener('load', () => {
  const mast = document.querySelector('.mast').getBoundingClientRect().height;
  document.title = [document.documentElement.scrollWidth - innerWidth, Math.round(mast)].join(' ');
})</script></body>"""


def wide_page() -> str:
    """A host under very many checks, and a roster whose people stand under pseudonyms."""
    host = samples.target("ssh://auditor@host").model_copy(update={"kind": "ssh"})
    people = samples.target("people:staff.csv").model_copy(update={"kind": "people", "identity": {"people": "pseudonyms"}})
    passed = [Passed(check=f"least-privilege.made-up-check-{n}", params={}, target=host.id, subjects=["root"]) for n in range(90)]
    return render_html(samples.bytes_of(samples.report([host, people], [], passed)), None, language="fr").decode()


@pytest.mark.browser
@pytest.mark.parametrize(("width", "tallest"), [(1300, 260), (700, 420)])
def test_nothing_runs_out_of_the_window(width: int, tallest: int, tmp_path: Path) -> None:
    page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", wide_page())
    assert "pseudonyme" in page
    path = tmp_path / "page.html"
    path.write_text(page.replace("</body>", MEASURE), "utf-8")
    answer = subprocess.run(
        [
            shutil.which("chromium") or "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
            f"--user-data-dir={tmp_path}/profile", f"--window-size={width},900", "--virtual-time-budget=2000", "--dump-dom", path.as_uri(),
        ],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    found = re.search(r"<title>(-?\d+) (\d+)</title>", answer.stdout)
    assert found, answer.stdout[:500]
    assert int(found[1]) <= 0, "wider than its window"
    assert int(found[2]) < tallest, "the head of the page is broken"

"""The page on paper: report.html printed by a Chromium that is installed on this machine. Needed for `-o pdf`, and for nothing else.

The PDF is a copy for reading and is not signed: every sheet names the digest of the report.json that it shows, and that document is what is verified.

The page holds words of hosts. It has no script, and its Content-Security-Policy lets nothing in. The browser that draws it, moreover, (1) keeps its
own sandbox; (2) runs as nobody where we are root, for Chromium has no sandbox for root; (3) resolves no name; (4) lives in a folder of its own,
which is removed afterwards. Where we are root and no sandbox can be had (containers), it is tried once more without, still as nobody.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from sovaudit.errors import OutputError, UsageError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome-headless-shell")
INSTALL = "Install one (Debian: apt-get install chromium fonts-noto-core; elsewhere Chromium or Google Chrome), or name it with --browser."
NOBODY = 65534
LONGEST = 300.0  # seconds; a page of a thousand hosts takes five
_FLAGS = (
    "--headless", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer", "--generate-pdf-document-outline",
)  # fmt: skip
_DATE = re.compile(rb"/(Creation|Mod)Date \(D:\d{14}\+00'00'\)")


def find_browser(named: str | None = None) -> str:
    """The path of the browser: the one named, or the first of BROWSERS on the PATH. Raises UsageError, which says what to install."""
    for name in (named,) if named else BROWSERS:
        path = shutil.which(name)
        if path:
            return str(Path(path).absolute())
    if named:
        raise UsageError("is no program that can be run", where=named, hint="A PDF is printed by Chromium or Google Chrome.")
    raise UsageError("no Chromium was found to print a PDF with", where="-o pdf", hint=INSTALL)


def print_page(html: bytes, *, issued_at: str, browser: str | None = None) -> bytes:
    """The PDF of a page. issued_at: the date it is given, so that one browser with one set of fonts prints the same bytes again.

    Raises UsageError where there is no browser, OutputError where it prints nothing.
    """
    program = find_browser(browser)
    root = os.geteuid() == 0
    with tempfile.TemporaryDirectory(prefix="sovaudit-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        page = folder / "report.html"
        page.write_bytes(html.replace(b"<details", b"<details open"))  # a browser of before 2024 cannot open them from a style sheet
        if root:
            os.chown(folder, NOBODY, NOBODY)
            page.chmod(0o644)
        said = _run(program, folder, page, root)
        if root and not _printed(folder) and "sandbox" in said.lower():
            said = _run(program, folder, page, root, "--no-sandbox")
        data = _printed(folder)
    if not data:
        raise OutputError(f"it printed nothing ({_reason(said)})", where=program, hint=INSTALL)
    stamp = re.sub(r"[-T:Z]", "", issued_at).encode()
    if not re.fullmatch(rb"\d{14}", stamp):
        return data
    return _DATE.sub(lambda found: b"/%sDate (D:%s+00'00')" % (found[1], stamp), data[:4096]) + data[4096:]


def _run(program: str, folder: Path, page: Path, root: bool, *more: str) -> str:
    """Run the browser; what it said on standard error. It is ended with all its children, whatever happens here."""
    command = [program, *_FLAGS, *more, f"--user-data-dir={folder}/profile", f"--print-to-pdf={folder}/report.pdf", page.as_uri()]
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "TMPDIR": str(folder), "LANG": "C.UTF-8"}
    with (folder / "said").open("w+b") as said:  # a file, not a pipe: a child that outlives its parent would keep a pipe open
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd=folder, env=environment, start_new_session=True,
                user=NOBODY if root else None, group=NOBODY if root else None, extra_groups=[] if root else None,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            why = getattr(error, "strerror", None) or error
            raise OutputError(f"cannot be started{' as nobody' if root else ''} ({why})", where=program, hint=INSTALL) from error
        try:
            process.wait(LONGEST)
        except subprocess.TimeoutExpired as error:
            raise OutputError(f"printed nothing within {LONGEST:.0f} s", where=program) from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        said.seek(0)
        return said.read(1_000_000).decode("utf-8", "replace")


def _printed(folder: Path) -> bytes:
    """The PDF, whole; empty where there is none. Nothing but a plain file is read: the folder belongs to the browser."""
    try:
        with open(os.open(folder / "report.pdf", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            data = file.read()
    except OSError:
        return b""
    return data if data.startswith(b"%PDF-") and data.rstrip().endswith(b"%%EOF") else b""


def _reason(said: str) -> str:
    """The line that says why, without Chromium's time and place before it."""
    lines = [re.sub(r"^\[[^\]]*\] ?", "", line.strip()) for line in said.splitlines() if line.strip() and "dbus" not in line]
    telling = [line for line in lines if re.search("sandbox|FATAL", line, re.IGNORECASE)] or lines[-1:]
    return telling[0][:200] if telling else "it said nothing"

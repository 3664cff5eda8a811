"""Is there anything that sudo runs and asks nothing? Some command lines of each kind, against what is judged of whoever types them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checks.least_privilege.sudo_nopasswd import sudo_nopasswd
from sovaudit.facts.host import Host
from sovaudit.testing import run
from tests import lab
from tests.truth.test_sudo import BASE, GIDS

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay(BASE) as place:
        yield place


OPEN: dict[str, tuple[str, str]] = {  # policy, and the account phase of sudo's stack
    "a target of its own": ("Runas_Alias R=bob\nDefaults>R !authenticate\nalice ALL=(ALL:ALL) ALL\n", ""),
    "a target out of reach": ("Defaults>bob !authenticate\nalice ALL=(carol) ALL\n", ""),
    "targets of a group": ("Defaults>%docker !authenticate\nalice ALL=(bob, carol) ALL\n", ""),
    "a command of its own": ("Defaults!/usr/bin/ls, /usr/bin/w !authenticate\nalice ALL=(ALL) ALL\n", ""),
    "commands of a pattern": ("Defaults!^/usr/bin/l.*$ !authenticate\nalice ALL=(ALL) ALL\n", ""),
    "sudoedit": ("Defaults!sudoedit !authenticate\nalice ALL=(ALL) ALL\n", ""),
    "a command that is not there": ("Defaults!/usr/bin/ls\\ /etc !authenticate\nalice ALL=(ALL) ALL\n", ""),
    "a command that may not be run": ("Defaults!/usr/bin/ls !authenticate\nalice ALL=/usr/bin/id\n", ""),
    "exempt for a command": ("Defaults!/usr/bin/ls exempt_group=sudo\nalice ALL=(ALL) ALL\n", ""),
    "a group of one's own": ("alice ALL=(:sudo) ALL\n", ""),
    "asked again, but for one target": ("Defaults !authenticate\nDefaults>root authenticate\nalice ALL=(root, bob) ALL\n", ""),
    "refused by PAM": ("alice ALL=NOPASSWD: ALL\n", "account required pam_deny.so\n"),
    "refused by PAM, which is not asked": ("Defaults !pam_acct_mgmt\nalice ALL=NOPASSWD: ALL\n", "account required pam_deny.so\n"),
    "an expired account": ("alice ALL=NOPASSWD: ALL\n", "account required pam_unix.so\n"),
}
LINES = (
    "/usr/bin/id -u",
    "-u bob /usr/bin/id -u",
    "-u carol /usr/bin/id -u",
    "-g docker /usr/bin/id",
    "/usr/bin/ls /etc",
    "-e /etc/hosts",
    "-i /bin/true",
)


@pytest.mark.parametrize("name", OPEN)
def test_something_asks_nothing(root: Path, name: str) -> None:
    """Whatever alice may run, in some command line, against what is judged of her."""
    policy, account = OPEN[name]
    stack = "auth required pam_unix.so\n" + (account or "account required pam_permit.so\n") + "session required pam_permit.so\n"
    shadow = BASE["/etc/shadow"].replace("alice:*:19000::::::", "alice:*:19000:::::100:")
    lab.write(root, {**BASE, "/etc/sudoers": policy, "/etc/shadow": shadow, "/etc/pam.d/sudo": stack, "/etc/pam.d/sudo-i": stack})
    user = f"setpriv --reuid alice --regid {GIDS['alice']} --init-groups setsid env SUDO_EDITOR=/bin/true sudo -n"
    lines = [f"rm -rf /run/sudo/ts; {user} {line} </dev/null >/dev/null 2>&1 && echo yes" for line in LINES]
    (root / "ask").write_text("\n".join(["mount -t proc proc /proc 2>/dev/null; hostname web1", *lines]) + "\n")
    real = "yes" in lab.run(root, ["unshare", "--uts", "sh", "/ask"]).stdout
    found = {outcome.subject: outcome.verdict.value for outcome in run(sudo_nopasswd, Host(lab.mounted(root)))}
    assert found == {"alice": "fail" if real else "pass"}

"""Who has uid 0: getpwent(3) and getpwnam(3) of a Debian root on odd passwd lines, beside least-privilege.uid0."""

from __future__ import annotations

import random

import pytest
from sovaudit.content.checks.least_privilege.uid0 import uid0

from sovaudit.testing import host_with, run, verdicts
from tests import lab

NUMBERS = (
    "0",
    "00",
    "+0",
    "-0",
    " 0",
    "0 ",
    "\t0",
    "0x0",
    "1000",
    "1",
    "4294967296",
    "-1",
    "9" * 25,
    "",
    "0a",
    "\uff10",
    "18446744073709551616",
)
NAMES = ("a", "b", "c", "root", "+", "+x", "-y", "+@ng", "x y", " z", "#h", "\xe9", "a.b", "-")
# every name that getpwent finds, with the uid that getpwnam gives for it
ASK = 'while (@p = getpwent) { push @n, $p[0] } for (@n) { @q = getpwnam($_); print "$_\\t$q[2]\\n" if @q && !$s{$_}++ }'


def text(some: random.Random) -> str:
    def row() -> str:
        number = some.choice(NUMBERS[:1] * 8 + NUMBERS)
        fields = [
            some.choice(NAMES),
            some.choice(("x", "", "*")),
            number,
            some.choice(("0", "1", "", "z")),
            "g",
            "/root",
            "/bin/sh",
            "more",
        ]
        whole = ":".join(fields[: some.choice([7] * 8 + [3, 4, 5, 6, 8, 2, 1])])
        return some.choice([""] * 8 + [" ", "\t", "\v", "#"]) + whole + some.choice([""] * 6 + [" ", "\r"])

    return "\n".join(row() for _ in range(some.randint(1, 6))) + some.choice(("\n", "\n", ""))


@pytest.mark.lab
def test_agrees_with_getpwnam() -> None:
    some = random.Random(7)
    cases = [(text(some), some.choice(("files", "files systemd", "files [!SUCCESS=return] x"))) for _ in range(120)]
    with lab.overlay() as root:
        for number, (passwd, nss) in enumerate(cases):
            lab.write(root, {f"/cases/{number:03}/passwd": passwd, f"/cases/{number:03}/nss": f"passwd: {nss}\n"})
        script = (
            'for c in /cases/*; do cp $c/passwd /etc/passwd; cp $c/nss /etc/nsswitch.conf; echo; echo "=== $c"; perl -e \''
            + ASK
            + "'; done"
        )
        blocks = lab.run(root, ["sh", "-c", script]).stdout.split("\n=== ")[1:]
    for (passwd, nss), block in zip(cases, blocks, strict=True):
        rows = [row.split("\t") for row in block.split("\n")[1:]]
        theirs = {row[0] for row in rows if len(row) == 2 and row[1] == "0" and row[0] != "root"}
        found = verdicts(run(uid0, host_with({"/etc/passwd": passwd, "/etc/nsswitch.conf": f"passwd: {nss}\n"})))
        assert {name for name, verdict in found.items() if verdict == "fail"} == theirs, (passwd, nss)

"""Startup files: real bash and dash as interactive login shells, one ~/.profile after the other, beside what our reading of it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sovaudit.facts.shell_startup import Session, session
from sovaudit.model.finding import Line
from sovaudit.testing import host_with
from tests import lab

pytestmark = pytest.mark.lab

# Each is a ~/.profile. What it leaves is asked of bash and of dash.
SCRIPTS = [
    "umask 077", "umask 77", "umask 9", "umask 0o27", "umask 1777", "umask 27777", "umask u=rwx,g=rx,o=", "umask g-w,o-rwx", "umask a-x", "umask +w", "umask -S u=rwx,go=",
    "umask -- 027", "umask -S 027", "umask -p 027", "umask 077 022", "umask '' ", "umask 077\r", "umask ug=rwx,o=x", "umask o=", "umask -w", "umask u+rwx,g-w", "umask g=rx-x",
    "umask 077; umask $NOPE", "A=077; umask $A", "A=7; umask 0${A}7", "umask 0${X:-77}", "X=; umask ${X:-077}", "X=; umask 0${X-77}", "X=1; umask 02${X:+7}", "umask `echo 077`", "umask $(echo 027)",
    "umask $(umask)", "umask 027; umask $(umask)", 'umask "0""7"\'7\'', "umask 02\\7", "umask 077 >/dev/null 2>&1", "umask 077 2>/dev/null || umask 022", "umask 9 || umask 027", "umask 9 2>/dev/null && umask 027",
    "! umask 077", "umask 077 | cat", "(umask 077)", "umask 077 &", "{ umask 077; }", "true && umask 077", "false && umask 077", "false || umask 077", "true || umask 077", ": && umask 027",
    "if true; then umask 077; fi", "if false; then umask 077; else umask 027; fi", "if false; then umask 077; elif true; then umask 007; else umask 027; fi", "if ! true; then umask 077; fi",
    "if [ -f /etc/passwd ]; then umask 077; fi", "if [ -d /etc/passwd ]; then umask 077; fi", "[ -r /etc/shadow ] && umask 077", "[ -x /bin/sh ] && umask 077", "[ -e /nonexistent ] || umask 077", "[ -s /etc/empty ] && umask 077",
    "[ -L /bin ] && umask 077", "[ -w /etc/passwd ] && umask 077", 'test "$(id -u)" -eq 0 && umask 077', 'test "$(id -u)" -ne 0 && umask 077', "[ `id -u` -gt 199 ] && [ \"`id -gn`\" = \"`id -un`\" ] && umask 002",
    '[ "$USER" = alice ] && umask 077', '[ "$USER" != alice ] && umask 077', '[ "$LOGNAME" = alice -a -n "$HOME" ] && umask 027', '[ -z "$HOME" -o "$SHELL" = x ] || umask 027', '[ "$HOME" == /home/alice ] && umask 077',
    '[ -n "$PS1" ] && umask 077', '[ -z "$PS1" ] && return; umask 077', '[ -n "$BASH_VERSION" ] && umask 077', '[ "${BASH-}" ] && umask 077', '[ $UID -eq 1000 ] 2>/dev/null && umask 077', "[ 1 = 1 ] && umask 077",
    "[ ] || umask 077", "[ -n ] && umask 077", "[ ! -f /nonexistent ] && umask 077", "[ 010 -eq 10 ] && umask 077", "[ a -eq 1 ] || umask 077",
    "[[ -n $PS1 ]] && umask 077", "[[ $- == *i* ]] && umask 077", "[[ $USER == al* && -f /etc/passwd ]] && umask 077", "[[ $USER = 'al*' ]] || umask 027", "[[ ! -f /etc/passwd || $UID -gt 999 ]] && umask 027",
    "case $- in *i*) umask 077;; esac", "case $USER in bob) umask 022;; alice|carol) umask 027;; *) umask 002;; esac", 'case "$HOME" in /home/*) umask 077; esac', "case x in y) umask 077;; esac", "case $USER in 'a*') umask 077;; a*) umask 027;; esac",
    "case $- in *i*) ;; *) return;; esac\numask 077", "case a in (a) umask 077 ;; esac",
    "for m in 022 077; do umask $m; done", "for m in 027 077; do umask $m; break; done", "for m in 1 2; do [ $m = 1 ] && continue; umask 077; done", "for f in /etc/pass*; do [ -r $f ] && umask 077; done", "for f in /nothing/*.sh; do [ -r $f ] && umask 077; done", "for x; do umask 077; done",
    "for f in /opt/d/*.sh; do if [ -r \"$f\" ]; then . $f; fi; done", "i=x; for i in a b; do :; done; [ $i = b ] && umask 027", "while false; do umask 077; done", "until true; do umask 077; done",
    "f() { umask 077; }", "f() { umask 077; }\nf", "f() { umask $1; }\nf 027", "f() { return 1; umask 077; }\nf || umask 027", "function f { umask 077; }\nf", "function f() { umask 077; }\nf", "f() { local m=077; umask $m; }\nf", "umask() { :; }\numask 077",
    "umask() { :; }\ncommand umask 077", "umask() { :; }\nbuiltin umask 027", "f() {\numask 077\n}\nf\nunset -f f", "set -- 027; f() { umask ${1:-077}; }\nf",
    ". /opt/lib.sh", ". /opt/lib.sh; umask 027", "source /opt/lib.sh", ". /nonexistent; umask 077", ". /nonexistent\numask 077", ". /opt/secret.sh; umask 002", ". /opt/returns.sh; umask 027", ". /opt/broken.sh\numask 027", "[ -f /opt/lib.sh ] && . /opt/lib.sh", ". /opt/empty.sh",
    "eval 'umask 077'", "eval umask 027", 'eval "$(echo umask 077)"', "X='umask 077'; $X", "X='umask 077'; eval $X", "umask 077\nreturn\numask 022", "return; umask 077", "umask 077 # comment", "#umask 077", "umask 077;umask\t027",
    "umask 022 \\\n;umask 077", "umask \\\n077", "cat <<E\numask 077\nE", "cat <<E\nx\nE\numask 027", "cat <<'E' >/dev/null\n$(umask 077)\nE", "cat <<-E\n\tumask 077\n\tE\numask 007", "umask 077 <<E\n022\nE", "echo 'umask 077'", 'echo "\numask 077\n"', "echo 'it'\\''s'; umask 027",
    "if true; then\numask 077\nfi\nif fi\numask 022", "umask 077\nAFTER=\"abc\n", "umask 077; if", "umask 077\n)\numask 022", "umask 027;; umask 077", "umask 077\nfoo(\numask 022", "}\numask 077",
    "nosuchcommand; umask 077", "nosuchcommand && umask 077", "nosuchcommand || umask 027", "/bin/true && umask 077", "/bin/false || umask 077", "set -u; umask 077", "trap 'umask 077' USR1", "alias u='umask 077'", "PS1=x; umask 027", "export PATH=/bin; umask 027",
    "TMOUT=900", "TMOUT=900; export TMOUT", "export TMOUT=900", "readonly TMOUT=900", "TMOUT=900\nreadonly TMOUT\nexport TMOUT", "typeset -xr TMOUT=900", "declare -xr TMOUT=900", "TMOUT=600; TMOUT=900", "TMOUT=900; unset TMOUT", "TMOUT=900;TMOUT=", "TMOUT=0", "export TMOUT", "TMOUT='600'; umask 077",
    "readonly TMOUT=5\nTMOUT=9\numask 077", "readonly TMOUT=5\nTMOUT=9; umask 077", "readonly TMOUT=5\nif true; then TMOUT=9\numask 027\nfi\numask 077", "readonly TMOUT=5\nexport TMOUT=9\numask 077", "readonly TMOUT=5\nexport TMOUT=9; umask 077", "readonly TMOUT=5\nunset TMOUT\numask 077",
    "readonly TMOUT=5\nreadonly TMOUT=6\numask 077", "readonly TMOUT=5\nf() { TMOUT=9; umask 027; }\nf\numask 077", "TMOUT=5\n[ -n \"$TMOUT\" ] && readonly TMOUT\nTMOUT=9", "T=5; TMOUT=$T", "TMOUT=$((60*15))", "TMOUT=900 true", "TMOUT=900 export TMOUT", "env TMOUT=900", ": ${TMOUT:=600}",
    "TMOUT=\"900\" # fifteen minutes", "TMOUT=9; TMOUT+=0", "(TMOUT=900)", "TMOUT=900 | cat", "true && TMOUT=900", "false && TMOUT=900", "if [ -n \"$TMOUT\" ]; then umask 077; else TMOUT=300; fi", "readonly TMOUT; TMOUT=900", "export TMOUT=900 readonly", "declare -r TMOUT=7 2>/dev/null || readonly TMOUT=8",
    "X=${HOME##*/}; [ $X = alice ] && umask 077", "X=${HOME%/*}; [ $X = /home ] && umask 027", "X=abc; [ ${#X} -eq 3 ] && umask 027", "[ ${HOME:+x} ] && umask 077", "X=\"a b\"; [ $X = a ] 2>/dev/null || umask 027", "X='a b'; [ \"$X\" = 'a b' ] && umask 027", "Y=$NOPE; [ -z $Y ] && umask 077", "cd /; [ -f etc/passwd ] || umask 027; cd",
    "~/bin/x; [ -d ~ ] && umask 077", "[ -f ~/.profile ] && umask 027", "[ -f \"~/.profile\" ] || umask 027", "[ -f $HOME/.profile -a ! -f $HOME/.nothing ] && umask 027",
    "if [ \"x$TERM\" = xdumb ]; then :; fi; umask 027", "echo ${-}; case ${-} in *i*) umask 077;; esac", "[ \"${-#*i}\" != \"$-\" ] && umask 077", "{ umask 077; } 2>&1", "if umask 027; then :; fi", "while umask 027; do break; done", "time umask 077", "umask 022; umask -S >/dev/null; umask 0007",
]  # fmt: skip
FILES = {
    "/opt/lib.sh": "umask 007\nLIB=1\n",
    "/opt/secret.sh": "umask 077\n",
    "/opt/returns.sh": "umask 077\nreturn\numask 000\n",
    "/opt/broken.sh": "umask 077\nif fi\numask 000\n",
    "/opt/empty.sh": "",
    "/opt/d/1.sh": "umask 002\n",
    "/opt/d/2.sh": "umask 027\n",
    "/opt/d/3.txt": "umask 077\n",
    "/etc/empty": "",
    "/etc/profile": "# nothing\n",
    "/etc/bash.bashrc": "",
}
PASSWD = "root:x:0:0:root:/root:/bin/bash\nalice:x:1000:1000::/home/alice:/bin/{shell}\n"
GROUP = "root:x:0:\nalice:x:1000:\n"
MODES = {"/opt/secret.sh": 0o600}


def mine(script: str, shell: str) -> Session:
    files = {"/etc/passwd": PASSWD.format(shell=shell), "/etc/group": GROUP, "/home/alice/.profile": script, **FILES}
    modes = {
        **{path: (MODES.get(path, 0o644), 0, 0) for path in FILES}, "/etc/shadow": (0o640, 0, 42), "/etc/passwd": (0o644, 0, 0),
        "/usr/bin/bash": (0o755, 0, 0), "/usr/bin/dash": (0o755, 0, 0),
    }  # fmt: skip
    links = {"/bin": "usr/bin", "/usr/bin/sh": "dash"}
    host = host_with(files, modes=modes, links=links, kind="root")
    account = host.accounts.get("alice")
    assert account is not None
    return session(host, account, "console", {0o22: Line("", 0, "")}, {})


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    with lab.overlay({"/etc/passwd": PASSWD.format(shell="bash"), "/etc/group": GROUP, **FILES}, modes=MODES) as place:
        (place / "home/alice").mkdir(parents=True)
        yield place


def real(root: Path, shell: str) -> list[str]:
    """`umask tmout` after each script, `-` where the shell did not come to its prompt."""
    for number, script in enumerate(SCRIPTS):
        (root / f"home/p{number}").write_text(script + "\n")
    ask = 'command echo "R $(command umask) <${TMOUT-}>"'
    loop = (
        f"for n in $(seq 0 {len(SCRIPTS) - 1}); do cp /home/p$n /home/alice/.profile; "
        f"echo '{ask}' | env -i HOME=/home/alice USER=alice LOGNAME=alice SHELL=/bin/{shell} PATH=/usr/bin:/bin "
        f"timeout -s KILL 4 setpriv --reuid=1000 --regid=1000 --clear-groups {shell} -i -l 2>/dev/null | grep -a '^R ' || echo R -; done"
    )
    done = lab.run(root, ["sh", "-c", loop], timeout=120)
    return [line[2:] for line in done.stdout.splitlines()]


@pytest.mark.parametrize("shell", ["bash", "dash"])
def test_what_a_profile_leaves(root: Path, shell: str) -> None:
    answers = real(root, shell)
    assert len(answers) == len(SCRIPTS)
    wrong, open_ = [], 0
    for script, answer in zip(SCRIPTS, answers, strict=True):
        said = mine(script + "\n", shell)
        masks = sorted("?" if mask is None else f"{mask:04o}" for mask in said.umask)
        times = sorted("?" if value is ... else value or "" for value in said.tmout)
        if len(masks) > 1 or len(times) > 1 or "?" in masks or "?" in times:
            open_ += 1
        mask, _, time = answer.partition(" ")
        if not (mask in masks or "?" in masks) or not (time.strip("<>") in times or "?" in times):
            wrong.append((script, answer, masks, times))
    assert wrong == []
    assert open_ < len(SCRIPTS) // 8  # of most we are certain

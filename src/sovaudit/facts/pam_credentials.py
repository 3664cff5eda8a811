"""What pam_setcred(3) answers to a process that did not itself authenticate: libpam then walks the auth stack anew, by other return codes.

sshd is one: behind `keyboard-interactive` another process of its authenticates, and where pam_setcred fails afterwards sshd ends the connection.
Codes from Linux-PAM's modules; one that is not listed succeeds.
"""

from __future__ import annotations

from sovaudit.facts.pam_flow import Behaviour
from sovaudit.facts.pam_models import offers
from sovaudit.facts.pam_modules import fixed
from sovaudit.facts.pam_stack import Step
from sovaudit.facts.parse.pam_conf import Code

_IGNORES = "access cap debug echo exec faildelay ftp issue keyinit mail sepermit succeed_if usertype warn"
_CODES = {f"pam_{name}.so": Code.IGNORE for name in _IGNORES.split()} | {"pam_deny.so": Code.CRED_ERR}


def credentials(step: Step) -> Behaviour:
    """What a step of an auth stack answers."""
    if step.kind == "substack":
        return ()
    if step.kind == "must_fail":
        return fixed(Code.PERM_DENIED)
    if step.known is False or not offers(step.module, "auth"):
        return fixed(Code.MODULE_UNKNOWN)
    if step.module == "pam_nologin.so":
        return fixed(Code.SUCCESS if "successok" in step.args else Code.IGNORE)
    return fixed(_CODES.get(step.module, Code.SUCCESS))

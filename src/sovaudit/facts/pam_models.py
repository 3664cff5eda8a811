"""Which model answers for which PAM module. One that is not modelled may answer anything: the gap names it."""

from __future__ import annotations

from functools import cache

from sovaudit.facts import pam_conditions as conditions
from sovaudit.facts.factors import Factor
from sovaudit.facts.files import Unseen
from sovaudit.facts.pam_access import access
from sovaudit.facts.pam_codes import duo, google, oath, radius, remote, u2f, yubico
from sovaudit.facts.pam_exec import exec_
from sovaudit.facts.pam_flow import Behaviour, Choice, Outcome
from sovaudit.facts.pam_modules import Call, Model, fixed, gap_of, unix, unsure
from sovaudit.facts.pam_session import session
from sovaudit.facts.pam_succeed_if import succeed_if
from sovaudit.facts.pam_time import time
from sovaudit.facts.parse.pam_conf import Code
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason


def behaviour(call: Call) -> Behaviour:
    """What this step of the stack does for this account."""
    step = call.step
    if call.phase == "session":
        return session(call)
    if step.kind == "substack":
        return ()
    if step.kind == "must_fail":
        return fixed(Code.PERM_DENIED)
    if step.known is False or not offers(step.module, call.phase):
        return fixed(Code.MODULE_UNKNOWN)
    model = MODELS.get(step.module)
    try:
        found = model(call) if model is not None else _unmodelled(call)
    except Unseen as unseen:
        found = (
            Choice((Outcome(Code.SUCCESS, gap=unseen.gap), Outcome(Code.AUTH_ERR, gap=unseen.gap), Outcome(Code.IGNORE, gap=unseen.gap))),
        )
    if step.known is None:
        gap = Gap(f"file:{step.module}", Reason.ABSENT, "whether this PAM module is installed was not seen")
        found = tuple(Choice((*choice.outcomes, Outcome(Code.MODULE_UNKNOWN, gap=gap)), choice.needs, choice.before) for choice in found)
    return found


# Functions that a module's file defines; libpam takes a missing one for an unknown module.
_AUTH_ONLY = "faildelay ftp google_authenticator group issue oath rhosts u2f yubico poldi fprintd"
_SESSION_ONLY = "limits mkhomedir motd namespace umask xauth tty_audit setquota systemd elogind lastlog2 loginuid-session"
_PASSWORD_ONLY = "pwhistory pwquality cracklib"
_NO_ACCOUNT = "env-session keyinit mail selinux timestamp"
_OFFERS: dict[str, frozenset[str]] = {
    **{f"pam_{name}.so": frozenset({"auth"}) for name in _AUTH_ONLY.split()},
    **{f"pam_{name}.so": frozenset() for name in (_SESSION_ONLY + " " + _PASSWORD_ONLY).split()},
    **{f"pam_{name}.so": frozenset({"auth", "session"}) for name in _NO_ACCOUNT.split()},
    "pam_loginuid.so": frozenset({"account", "session"}),
    "pam_time.so": frozenset({"account"}),
}


def offers(module: str, phase: str) -> bool:
    """Whether the module's file defines the functions of this phase."""
    return phase in _OFFERS.get(module, (phase,))


def _unmodelled(call: Call) -> Behaviour:
    gap = gap_of(call, Reason.UNSUPPORTED, f"what {call.step.module} answers is not modelled")
    return _anything(gap, call.phase)


@cache
def _anything(gap: Gap, phase: str) -> Behaviour:
    """Any answer; in `auth` it may take a factor that we cannot name or none at all."""
    return unsure((Code.SUCCESS, Code.AUTH_ERR, Code.IGNORE), gap)


def _by_phase(auth: Code, account: Code) -> Model:
    return lambda call: fixed(auth if call.phase == "auth" else account)


def _uncertain(detail: str, *codes: Code) -> Model:
    def model(call: Call) -> Behaviour:
        return unsure(
            codes or (Code.SUCCESS, Code.PERM_DENIED, Code.IGNORE), gap_of(call, Reason.UNSUPPORTED, f"{call.step.module}: {detail}")
        )

    return model


_ALWAYS = _by_phase(Code.SUCCESS, Code.SUCCESS)
_IGNORED = _by_phase(Code.IGNORE, Code.IGNORE)
_TOKEN, _OTHER, _CODE = remote(Factor.TOKEN), remote(Factor.OTHER), remote(Factor.OTP)
_DIRECTORY = remote(Factor.PASSWORD, password=True)
MODELS: dict[str, Model] = {
    "pam_unix.so": unix,
    "pam_permit.so": _ALWAYS,
    "pam_deny.so": _by_phase(Code.AUTH_ERR, Code.AUTH_ERR),
    "pam_google_authenticator.so": google,
    "pam_oath.so": oath,
    "pam_rootok.so": conditions.rootok,
    "pam_succeed_if.so": succeed_if,
    "pam_wheel.so": conditions.wheel,
    "pam_nologin.so": conditions.nologin,
    "pam_shells.so": conditions.shells,
    "pam_listfile.so": conditions.listfile,
    "pam_access.so": access,
    "pam_localuser.so": conditions.localuser,
    "pam_usertype.so": conditions.usertype,
    "pam_securetty.so": conditions.securetty,
    "pam_faillock.so": conditions.faillock,
    "pam_debug.so": conditions.debug,
    # never grant, never refuse by themselves
    "pam_faildelay.so": _IGNORED,
    "pam_warn.so": _IGNORED,
    "pam_echo.so": conditions.echo,
    "pam_env.so": _by_phase(Code.IGNORE, Code.SERVICE_ERR),
    "pam_group.so": _IGNORED,
    "pam_issue.so": _IGNORED,
    "pam_mail.so": _IGNORED,
    "pam_keyinit.so": _IGNORED,
    "pam_selinux.so": _by_phase(Code.AUTH_ERR, Code.AUTH_ERR),
    "pam_cap.so": conditions.cap,
    "pam_loginuid.so": _uncertain("whether the kernel took the login id was not seen", Code.SUCCESS, Code.IGNORE),
    "pam_gnome_keyring.so": _IGNORED,
    "pam_kwallet.so": _IGNORED,
    "pam_kwallet5.so": _IGNORED,
    "pam_ecryptfs.so": _IGNORED,
    # factors that only another system or a device can verify
    "pam_u2f.so": u2f,
    "pam_pkcs11.so": _TOKEN,
    "pam_p11.so": _TOKEN,
    "pam_poldi.so": _TOKEN,
    "pam_yubico.so": yubico,
    "pam_duo.so": duo,
    "pam_radius_auth.so": radius,
    "pam_radius.so": radius,
    "pam_otpw.so": _CODE,
    "pam_rsa_securid.so": _CODE,
    "pam_fprintd.so": _OTHER,
    "pam_thinkfinger.so": _OTHER,
    "pam_howdy.so": _OTHER,
    "pam_sss.so": _DIRECTORY,
    "pam_ldap.so": _DIRECTORY,
    "pam_krb5.so": _DIRECTORY,
    "pam_winbind.so": _DIRECTORY,
    "pam_userdb.so": _DIRECTORY,
    "pam_tally2.so": _uncertain("the counter of failed logins was not seen", Code.SUCCESS, Code.AUTH_ERR),
    "pam_tally.so": _uncertain("the counter of failed logins was not seen", Code.SUCCESS, Code.AUTH_ERR),
    "pam_time.so": time,
    "pam_lastlog.so": conditions.lastlog,
    "pam_rhosts.so": remote(Factor.HOST),
    "pam_exec.so": exec_,
    "pam_ftp.so": conditions.ftp,
    "pam_script.so": _uncertain("what the script answers is not known"),
    "pam_python.so": _uncertain("what the script answers is not known"),
    "pam_timestamp.so": _uncertain("a recent authentication opens without a password", Code.SUCCESS, Code.AUTH_ERR),
    "pam_sepermit.so": _uncertain("depends on SELinux", Code.SUCCESS, Code.AUTH_ERR, Code.IGNORE),
    "pam_slurm.so": _uncertain("depends on a job that runs"),
}

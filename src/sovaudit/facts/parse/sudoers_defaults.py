"""Which settings of a Defaults line sudo takes: by the type of the option (def_data.in, parse_default_entry() of defaults.c).

What it refuses leaves a warning and changes nothing; the rest of the line counts.
"""

from __future__ import annotations

_FLAGS = frozenset(
    "long_otp_prompt ignore_dot mail_always mail_badpass mail_no_user mail_no_host mail_no_perms mail_all_cmnds tty_tickets authenticate root_sudo "
    "log_host log_year shell_noargs set_home always_set_home path_info fqdn insults requiretty env_editor rootpw runaspw targetpw use_loginclass "
    "set_logname stay_setuid preserve_groups passprompt_override noexec ignore_local_sudoers closefrom_override setenv env_reset visiblepw "
    "pwfeedback fast_glob umask_override log_input log_stdin log_ttyin log_output log_stdout log_stderr log_ttyout compress_io use_pty set_utmp "
    "utmp_runas exec_background pam_setcred pam_session pam_acct_mgmt use_netgroups sudoedit_checkdir sudoedit_follow always_query_group_plugin "
    "netgroup_tuple ignore_audit_errors ignore_iolog_errors ignore_logfile_errors match_group_by_gid ignore_unknown_defaults user_command_timeouts "
    "iolog_flush syslog_pid case_insensitive_user case_insensitive_group log_allowed log_denied log_server_keepalive log_server_verify "
    "runas_allow_unknown_id runas_check_shell pam_ruser pam_rhost selinux intercept log_subcmds log_exit_status intercept_authenticate "
    "intercept_allow_setid noninteractive_auth log_passwords intercept_verify".split()
)
_LISTS = frozenset("env_check env_delete env_keep log_servers passprompt_regex".split())
_WORDS = {  # options with a few values of their own
    "lecture": ("never", "once", "always"),
    "listpw": ("never", "any", "all", "always"),
    "verifypw": ("never", "all", "any", "always"),
    "fdexec": ("never", "digest_only", "always"),
    "timestamp_type": ("global", "ppid", "tty", "kernel"),
    "log_format": ("sudo", "json", "json_compact", "json_pretty"),
}
_PATHS = frozenset(
    "lecture_file logfile mailerpath lecture_status_dir timestampdir editor env_file restricted_env_file iolog_dir log_server_cabundle "
    "log_server_peer_cert log_server_peer_key".split()
)
_NEVER_OFF = frozenset(  # `!name` says nothing of these
    "passwd_tries mailsub badpass_message lecture_status_dir timestampdir timestampowner passprompt runas_default editor closefrom role type "
    "sudoers_locale group_plugin iolog_dir iolog_file privs limitprivs pam_service pam_login_service pam_askpass_service maxseq syslog_maxlen "
    "iolog_mode timestamp_type authfail_message log_format intercept_type apparmor_profile".split()
)
_NEVER_BARE = frozenset("syslog_goodpri syslog_badpri".split())


def takes(name: str, op: str, value: str) -> bool:
    """Whether sudo accepts this setting. op: `=` `+` `-` `!`, or empty for the name alone. Names that are not known are let through.

    >>> takes("authenticate", "=", "no"), takes("runas_default", "!", ""), takes("logfile", "=", "x"), takes("env_keep", "+", "A")
    (False, False, False, True)
    """
    if name in _FLAGS:
        return op in ("", "!")
    if op in ("+", "-"):
        return name in _LISTS
    if op == "!":
        return name not in _NEVER_OFF
    if op == "":
        return name == "syslog" or name in ("lecture", "listpw", "verifypw", "fdexec") or name not in _VALUED
    if name in _WORDS:
        return value in _WORDS[name]
    if name in _PATHS:
        return value.startswith("/")
    return True


_VALUED = (
    _LISTS | _PATHS | _NEVER_OFF | _NEVER_BARE | frozenset(
        "loglinelen timestamp_timeout passwd_timeout umask mailerflags mailto mailfrom exempt_group secure_path iolog_user iolog_group "
        "command_timeout log_server_timeout runcwd runchroot admin_flag".split()
    )
)  # fmt: skip

"""Defaults that change how sudo matches names and patterns: sudo takes them before all others (early_defaults of defaults.c)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sovaudit.facts.accounts import Account
from sovaudit.facts.parse.sudoers import Policy
from sovaudit.facts.sudo_hosts import by_default

if TYPE_CHECKING:
    from sovaudit.facts.sudo_match import Matcher

_FLAGS = {
    "case_insensitive_user": "fold_users",
    "case_insensitive_group": "fold_groups",
    "use_netgroups": "use_netgroups",
    "netgroup_tuple": "netgroup_tuple",
    "fast_glob": "fast_glob",
    "always_query_group_plugin": "always_ask_plugin",
    "match_group_by_gid": "match_by_gid",
    "preserve_groups": "preserve_groups",
}


def settle(match: Matcher, policy: Policy) -> None:
    """Sets what the Defaults for everybody say."""
    for default in policy.defaults:
        if default.scope:
            continue
        if default.name in _FLAGS:
            setattr(match, _FLAGS[default.name], default.op != "!")
        elif default.name == "group_plugin":
            match.group_plugin = default.value if default.op != "!" else ""
        elif default.name == "runas_default" and default.op == "=":
            match.runas_default = default.value


def resolves(match: Matcher, policy: Policy, account: Account) -> bool | None:
    """Whether sudo asks the resolver for the host's long name when this account calls it; None where that is not known."""
    found = by_default(match.host)
    for default in policy.defaults:
        if default.name == "fqdn" and (default.scope == "" or (default.scope == ":" and match.users(default.members, account) == {1})):
            found = default.op != "!"
    return found

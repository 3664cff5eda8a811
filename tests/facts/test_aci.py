"""Access control instructions: their words, and what they come to without a server at hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit.facts.parse.aci import ALL, Bind, parse_aci
from sovaudit.testing import directory_with

BASE = "dc=example,dc=org"
ANN = f"uid=ann,{BASE}"


def test_words_are_told_apart() -> None:
    aci = parse_aci(
        '(targetattr = "cn || sn")( target="ldap:///ou=people,dc=x" ) (targetfilter != "(uid=a\\"b)")\n (version 3.0;acl "a; b) c";'
        'allow (read,  Write) userdn = "ldap:///a || ldap:///b"; deny(all) not groupdn="ldap:///g" ;)'
    )
    assert aci.name == "a; b) c" and [(one.keyword, one.negated, one.values) for one in aci.targets] == [
        ("targetattr", False, ("cn", "sn")), ("target", False, ("ldap:///ou=people,dc=x",)), ("targetfilter", True, ('(uid=a\\"b)',)),
    ]  # fmt: skip
    assert [(one.allow, one.rights) for one in aci.permissions] == [(True, {"read", "write"}), (False, ALL)]
    assert aci.permissions[0].bind == Bind("userdn", "=", ("ldap:///a", "ldap:///b"))
    assert aci.permissions[1].bind == Bind("not", parts=(Bind("groupdn", "=", ("ldap:///g",)),))


def test_values_of_targets_may_stand_bare() -> None:
    aci = parse_aci(
        '(target=ldap:///dc=x)(targetattr=cn || sn)(targetfilter=(|(a=1)(b=2)))(version 3.0;acl "x";allow (read) userdn="ldap:///self";)'
    )
    assert [one.values for one in aci.targets] == [("ldap:///dc=x",), ("cn", "sn"), ("(|(a=1)(b=2))",)]


def test_and_and_or_bind_to_the_right() -> None:
    a, b, c = (Bind("userdn", "=", (name,)) for name in "abc")

    def rule(text: str) -> Bind:
        return parse_aci(f'(version 3.0; acl "x"; allow (read) {text};)').permissions[0].bind

    assert rule('userdn = "a" and userdn = "b" or userdn = "c"') == Bind("and", parts=(a, Bind("or", parts=(b, c))))
    assert rule('(userdn = "a" and userdn = "b") or userdn = "c"') == Bind("or", parts=(Bind("and", parts=(a, b)), c))
    assert rule('userdn != "a"').operator == "!=" and rule('ssf >= "128"').operator == ">="


@pytest.mark.parametrize(
    "text",
    [
        "", "x", "(targetattr", '(targetattr = "cn")', '(version 2.0; acl "x"; allow (read) userdn = "a";)', '(version 3.0; acl "x";)',
        '(version 3.0; acl "x"; permit (read) userdn = "a";)', '(version 3.0; acl "x"; allow (read) userdn = "a)',
        '(version 3.0; acl "x"; allow (read) ;)', '(version 3.0; acl "x"; allow (read) ' + "(" * 5000 + 'userdn = "a"',
        '(version 3.0; acl "x"; allow (read', '(version 3.0; acl "x"; allow (read) (userdn = "a";)',
    ],
)  # fmt: skip
def test_what_the_server_would_not_take_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_aci(text)


@given(st.text('()=!"; \\|allowdenyversion3.0acluserdntargetattr,', max_size=120))
def test_any_text_is_an_instruction_or_an_error(text: str) -> None:
    try:
        parse_aci(text)
    except ValueError:
        return


def directory(*acis: str, config: bool = True, **more: object):  # type: ignore[no-untyped-def]
    settings = {"nsslapd-rootdn": ["cn=Directory Manager"], "objectClass": ["top"]}
    return directory_with(
        product="389",
        accounts=[
            (f"uid={name},{BASE}", {"objectClass": ["person"], "uid": [name], "nsAccountLock": ["false"]}) for name in ("ann", "bob")
        ],
        groups=[(f"cn=g,{BASE}", {"objectClass": ["groupOfNames"], "cn": ["g"], "member": [ANN]})],
        access=[(BASE, {"aci": list(acis)})],
        config_access=[("cn=f,cn=config", {"aci": ['(targetattr != "aci")(version 3.0; acl "f"; allow (read) userdn = "ldap:///all";)']})],
        config=[("cn=config", settings)] if config else [],
        **more,
    )


def test_an_instruction_that_is_not_understood_leaves_the_question_open() -> None:
    admins = directory("(targetattr = *)(version 3.0; acl no; allow (all) userdn;)").admins
    assert not admins.members and [gap.item for gap in admins.gaps] == [f"aci:{BASE}"]


def test_a_group_that_was_cut_leaves_the_question_open() -> None:
    text = f'(targetattr = "*")(version 3.0; acl "x"; allow (all) groupdn = "ldap:///cn=g,{BASE}";)'
    assert [admin.account.name for admin in directory(text).admins.members] == ["ann"] and not directory(text).admins.gaps
    cut = directory(text, results={"groups": 4}).admins
    assert [admin.account.name for admin in cut.members] == ["ann"] and [gap.item for gap in cut.gaps] == ["search:groups"]


def test_a_configuration_that_is_closed_hides_the_root_dn() -> None:
    admins = directory('(targetattr = "*")(version 3.0; acl "x"; allow (all) userdn = "ldap:///self";)', config=False).admins
    assert not admins.members and not admins.bypass and [gap.item for gap in admins.gaps] == ["search:config"]


def test_a_filter_in_a_bind_rule_means_whom_it_brings_and_maybe_anybody_where_that_was_not_seen() -> None:
    text = '(targetattr = "*")(version 3.0; acl "x"; allow (all) userdn = "ldap:///{}??sub?({})";)'
    admins = directory(text.format(BASE, "uid=ann")).admins
    assert [admin.account.name for admin in admins.members] == ["ann"] and not admins.gaps
    admins = directory(text.format(BASE, "carLicense=x")).admins
    assert not admins.members and [gap.item for gap in admins.gaps] == [f"aci:{BASE}"]

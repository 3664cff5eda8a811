"""A profile means what it says, or is refused with the place and what to write instead."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sovaudit import profiles, registry
from sovaudit.authoring import Check, Host
from sovaudit.documents import MAX_BYTES
from sovaudit.errors import NothingError, UsageError
from sovaudit.model.directive import Directive
from sovaudit.model.profile import Profile
from sovaudit.model.verdict import Severity

KNOBS: dict[str, tuple[Any, Any]] = {
    "months": (6, int),
    "limit": (365, int | None),
    "users": (frozenset({"root"}), frozenset[str]),
    "ways": (("password", "key"), tuple[str, ...]),
    "strict": (False, bool),
    "word": ("x", str),
    "mode": ("a", Literal["a", "b"]),
    "ports": (frozenset({22}), frozenset[int]),
}


def check(name: str, *knobs: str) -> Check:
    chosen = {knob: KNOBS[knob] for knob in knobs}
    defaults, kinds = {knob: pair[0] for knob, pair in chosen.items()}, {knob: pair[1] for knob, pair in chosen.items()}
    return Check(name, Severity.HIGH, "0.1", lambda host: iter(()), "A page.", (Host,), defaults, kinds, __name__)


CHECKS: Mapping[str, Check] = {one.id: one for one in (check("a.keep", "months", "limit"), check("a.all", *KNOBS), check("b.plain"))}
HEAD = 'id = "site"\ntitle = { fr = "Site", en = "Site" }\n'


def write(tmp_path: Path, body: str, head: str = HEAD) -> str:
    path = tmp_path / "site.toml"
    path.write_text(head + body, "utf-8")
    return str(path)


def load(tmp_path: Path, body: str, head: str = HEAD) -> Profile:
    return profiles.load_profile(write(tmp_path, body, head), CHECKS)


def row(name: str, params: str = "", more: str = "") -> str:
    return f'[[checks]]\ncheck = "{name}"\nparams = {{ {params} }}\n{more}\n'


def directive(*controls: dict[str, Any], name: str = "d", binding: str = "law") -> Directive:
    base = {"title": "T", "paraphrase": {"en": "P"}, "provable": "machine", "machine": "full"}
    return Directive.model_validate(
        {
            "id": name, "edition": "1", "title": {"en": "D"}, "authority": "A", "binding": binding, "sources": ["s"], "note": {"en": "n"},
            "controls": [{**base, **control} for control in controls],
        }
    )  # fmt: skip


# what comes with the program


@pytest.mark.parametrize("name", profiles.profile_ids())
def test_what_comes_with_the_program_holds(name: str) -> None:
    from sovaudit.directives import load_directives

    checks = registry.load_checks()
    profile = profiles.load_profile(name, checks)
    assert profile.id == name
    rows = profiles.select(profile, checks, load_directives(profile.directives, checks=checks))
    assert {one.check.id for one in rows} == {one.check for one in profile.checks}
    for one in profile.checks:
        assert one.origin.source, f"{one.check} does not say whose number it is"
    kept = {(one.params["months"], one.origin, one.directive) for one in rows if one.check.id == "log-completeness.retention"}
    if any(one.check == "log-completeness.retention" for one in profile.checks):
        assert kept == ({(6, "law", "")} if name == "dnssi-2023" else {(12, "law", ""), (6, "law", "ma-dnssi-2023")})


# loading


def test_a_profile_is_read(tmp_path: Path) -> None:
    body = row("a.keep", "months = 9", 'severity = "low"\norigin = { kind = "guidance", source = "G 1" }') + row("b.plain")
    profile = load(tmp_path, body)
    kept, plain = profiles.select(profile, CHECKS, [])
    assert (kept.params, kept.severity, kept.origin, kept.source) == ({"months": 9, "limit": 365}, Severity.LOW, "guidance", "G 1")
    assert (plain.params, plain.severity, plain.origin) == ({}, Severity.HIGH, "default")


def test_spacing_and_comments_do_not_change_the_digest(tmp_path: Path) -> None:
    first = load(tmp_path, row("a.keep", "months = 9")).digest
    assert load(tmp_path, "# a word\n" + row("a.keep", "months  =  9") + "\n\n").digest == first
    assert load(tmp_path, row("a.keep", "months = 10")).digest != first


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (row("a.kep"), r"unknown check a\.kep \(checks\[1\]\)\. Did you mean a\.keep"),
        (row("A KEEP"), r"checks\[1\]\.check"),
        (row("a.keep", "month = 9"), r"a\.keep has no knob 'month'\. Did you mean months"),
        (row("b.plain", "months = 9"), r"b\.plain has no knob 'months'\. b\.plain has no knobs"),
        (row("a.keep", 'months = "9"'), "months is a whole number, not '9'"),
        (row("a.keep", "months = 9.0"), "months is a whole number, not 9.0"),
        (row("a.keep", "months = true"), "months is a whole number, not True"),
        (row("a.keep", "months = -1"), "from 0 up, not -1"),
        (row("a.keep", "months = 9007199254740992"), "from 0 up"),
        (row("a.keep", "months = nan"), "months is a whole number"),
        (row("a.keep", "months = 2026-01-01"), "months is a whole number"),
        (row("a.keep", 'months = "none"'), "months is a whole number"),
        (row("a.keep", 'limit = "never"'), "limit is a whole number or"),
        (row("a.all", "strict = 1"), "strict is true or false, not 1"),
        (row("a.all", 'users = "root"'), "users is a list, each a text"),
        (row("a.all", "users = [1]"), "users is a list, each a text"),
        (row("a.all", "users = { a = 1 }"), "users is a list"),
        (row("a.all", "ports = [22, true]"), "ports is a list, each a whole number"),
        (row("a.all", "ports = [-22]"), "from 0 up"),
        (row("a.all", 'mode = "c"'), "mode is one of a, b"),
        (row("a.keep", "months = 9") + row("a.keep", "months = 9"), "stands twice"),
        (row("a.keep", "months = 6") + row("a.keep"), "stands twice"),  # 6 is the default
        (row("a.all", 'users = ["a", "b"]') + row("a.all", 'users = ["b", "a"]'), "stands twice"),
        (row("a.keep", "", 'severity = "hgih"'), "severity.*hgih.*high"),
        (row("a.keep", "", 'origin = { kind = "lwa", source = "x" }'), "origin.kind.*lwa.*law"),
        (row("a.keep", "", 'orgin = { kind = "law" }'), r"unknown key checks\[1\]\.orgin\. Did you mean origin"),
        (row("a.keep", "", 'origin = { knd = "law" }'), r"unknown key checks\[1\]\.origin\.knd\. Did you mean kind"),
        ("", "lacks checks"),
        ("checks = []\n", "checks"),
        ("checks = 3\n", "checks"),
        ("include = [\"x\"]\n" + row("a.keep"), "unknown key include"),
        ('directives = ["ma-dnsi-2023"]\n' + row("a.keep"), "unknown directive 'ma-dnsi-2023'.*ma-dnssi-2023"),
        ('directives = ["ma-dnssi-2023", "ma-dnssi-2023"]\n' + row("a.keep"), "named twice"),
        ("a = [[[", "not TOML"),
        ("a = " + "[" * 20_000, "not TOML"),
        ('id = "other"\n', "not TOML"),
        ("a = " + "9" * 5000, "not TOML"),
    ],
)  # fmt: skip
def test_what_does_not_hold_is_refused_with_the_file(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        load(tmp_path, body)
    assert str(tmp_path / "site.toml") in str(caught.value)
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not there"):
        profiles.load_profile(str(tmp_path / "none.toml"), CHECKS)
    with pytest.raises(UsageError, match="not a regular file"):
        profiles.load_profile(f"{tmp_path}/", CHECKS)
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(UsageError, match="not a regular file"):
        profiles.load_profile(str(tmp_path / "pipe.toml"), CHECKS)
    (tmp_path / "latin.toml").write_bytes(b'id = "\xe9"\n')
    with pytest.raises(UsageError, match="not UTF-8"):
        profiles.load_profile(str(tmp_path / "latin.toml"), CHECKS)
    with pytest.raises(UsageError, match=r"unknown profile 'dnsi-2023'.*dnssi-2023"):
        profiles.load_profile("dnsi-2023", CHECKS)
    for name in ("x" * 5000, "\0", "", "dnssi-2023\n"):
        with pytest.raises(UsageError):
            profiles.load_profile(name, CHECKS)
        with pytest.raises(UsageError):
            profiles.load_profile(name + "/x.toml", CHECKS)


def test_a_profile_of_a_megabyte_passes_and_one_byte_more_does_not(tmp_path: Path) -> None:
    body = row("a.keep")
    path = tmp_path / "big.toml"
    content = (HEAD + body).encode()
    path.write_bytes(content + b"#" * (MAX_BYTES - len(content)))
    profiles.load_profile(str(path), CHECKS)
    path.write_bytes(content + b"#" * (MAX_BYTES - len(content) + 1))
    with pytest.raises(UsageError, match="larger than"):
        profiles.load_profile(str(path), CHECKS)


def test_a_key_of_a_million_dots_does_not_hang(tmp_path: Path) -> None:
    deep = "a." * 200_000 + "a"
    for text in (f"{deep} = 1\n", f"[{deep}]\n", f"x = {{ {deep} = 1 }}\n", deep.replace("a", '"a"') + " = 1\n"):
        with pytest.raises(UsageError, match="too many dots"):
            load(tmp_path, text)
    load(tmp_path, f"# {'. ' * 500} {'.' * 500}\n" + row("a.keep"))


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("p") / "site.toml"
    path.write_text(HEAD + text, "utf-8", errors="surrogatepass")
    with pytest.raises(UsageError):
        profiles.load_profile(str(path), CHECKS)


# knobs by word


@pytest.mark.parametrize(
    ("knob", "text", "value"),
    [
        ("months", "12", 12),
        ("limit", "none", None),
        ("limit", "90", 90),
        ("users", "root,backup", frozenset({"root", "backup"})),
        ("users", "root, backup ,", frozenset({"root", "backup"})),
        ("users", "", frozenset()),
        ("users", '["a,b"]', frozenset({"a,b"})),
        ("users", "123", frozenset({"123"})),
        ("ways", "key", ("key",)),
        ("strict", "true", True),
        ("word", "12", "12"),
        ("word", "a = b", "a = b"),
        ("word", '"a b"', "a b"),
        ("mode", "b", "b"),
        ("ports", "22,2222", frozenset({22, 2222})),
    ],
)
def test_values_as_people_type_them(tmp_path: Path, knob: str, text: str, value: object) -> None:
    profile = load(tmp_path, row("a.all"))
    settings = profiles.parse_settings([f"a.all.{knob}={text}"])
    (chosen,) = profiles.select(profile, CHECKS, [], settings=settings)
    assert chosen.params[knob] == value
    assert type(chosen.params[knob]) is type(value)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("a.keep.months", "not ID.knob=VALUE"),
        ("months=3", "not ID.knob=VALUE"),
        ("a.keep.month=3", "has no knob 'month'"),
        ("a.kep.months=3", r"unknown check 'a\.kep'\. Did you mean a\.keep"),
        ("a.keep.months=three", "months is a whole number, not 'three'"),
        ("a.keep.months=1.5", "months is a whole number"),
        ("a.keep.months=true", "months is a whole number"),
        ("a.keep.months=-1", "months is a whole number from 0 up|whole number"),
        ("a.keep.months=1\nx = 2", "months is a whole number"),
        ("b.plain.months=1", "b.plain is not one of the profile's checks|has no knob"),
        ("a.all.strict=yes", "strict is true or false"),
    ],
)
def test_settings_that_do_not_hold(tmp_path: Path, setting: str, said: str) -> None:
    profile = load(tmp_path, row("a.keep") + row("a.all"))
    with pytest.raises(UsageError, match=said):
        profiles.select(profile, CHECKS, [], settings=profiles.parse_settings([setting]))


def test_a_knob_set_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="set twice"):
        profiles.parse_settings(["a.keep.months=1", "a.keep.months=2"])


# choosing


def ids(rows: tuple[profiles.Selected, ...]) -> list[str]:
    return [one.check.id for one in rows]


def test_select_and_ignore(tmp_path: Path) -> None:
    profile = load(tmp_path, row("a.keep") + row("a.all"))
    assert ids(profiles.select(profile, CHECKS, [])) == ["a.keep", "a.all"]
    assert ids(profiles.select(profile, CHECKS, [], only=["a.all"])) == ["a.all"]
    assert ids(profiles.select(profile, CHECKS, [], only=["b.plain"])) == ["b.plain"]  # beyond the profile, with its defaults
    assert ids(profiles.select(profile, CHECKS, [], only=["a"])) == ["a.keep", "a.all"]
    assert ids(profiles.select(profile, CHECKS, [], ignore=["a.keep"])) == ["a.all"]
    with pytest.raises(NothingError):
        profiles.select(profile, CHECKS, [], only=["a.all"], ignore=["a"])
    with pytest.raises(UsageError, match=r"unknown check 'a\.kep'.*a\.keep"):
        profiles.select(profile, CHECKS, [], only=["a.kep"])
    with pytest.raises(UsageError, match="--ignore"):
        profiles.select(profile, CHECKS, [], ignore=["nothing"])


SIX = {"id": "SIX", "checks": ["a.keep"], "params": {"a.keep": {"months": 6}}}
TWELVE = {"id": "TWELVE", "checks": ["a.keep"], "params": {"a.keep": {"months": 12}}, "scope": ["operator"]}
ANY = {"id": "ANY", "checks": ["a.keep"], "remarks": ["a.all"]}


def test_what_a_text_fixes_is_judged_beside_the_profile(tmp_path: Path) -> None:
    profile = load(tmp_path, row("a.keep", "months = 9") + row("a.all"))
    kept, fixed, other = profiles.select(profile, CHECKS, [directive(SIX, TWELVE, ANY)])
    assert (kept.params["months"], kept.directive, kept.controls) == (9, "", ("d:ANY",))
    assert (fixed.params["months"], fixed.directive, fixed.origin, fixed.controls) == (6, "d", "law", ("d:SIX",))
    assert (other.check.id, other.controls) == ("a.all", ("d:ANY",))


def test_equal_values_are_one_row(tmp_path: Path) -> None:
    (only,) = profiles.select(load(tmp_path, row("a.keep")), CHECKS, [directive(SIX, ANY), directive(SIX, name="e")])
    assert only.controls == ("d:SIX", "d:ANY", "e:SIX")
    assert only.directive == ""


def test_a_control_for_some_bodies_is_judged_where_the_profile_speaks_for_them(tmp_path: Path) -> None:
    everyone = profiles.select(load(tmp_path, row("a.keep")), CHECKS, [directive(TWELVE)])
    assert [one.params["months"] for one in everyone] == [6]
    operators = profiles.select(load(tmp_path, 'scope = ["operator"]\n' + row("a.keep")), CHECKS, [directive(TWELVE)])
    assert [one.params["months"] for one in operators] == [6, 12]


def test_no_setting_turns_what_a_text_fixes(tmp_path: Path) -> None:
    profile = load(tmp_path, row("a.keep", "months = 6", 'origin = { kind = "law", source = "SIX" }'))
    lowered, fixed = profiles.select(profile, CHECKS, [directive(SIX)], settings={"a.keep.months": "1"})
    assert (lowered.params["months"], lowered.origin, lowered.source) == (1, "default", "set for this audit")
    assert (fixed.params["months"], fixed.origin, fixed.controls) == (6, "law", ("d:SIX",))


def test_forbidden_and_demanded_expiry_stand_side_by_side(tmp_path: Path) -> None:
    forbids = {"id": "NO", "checks": ["a.keep"], "params": {"a.keep": {"limit": "none"}}}
    rows = profiles.select(load(tmp_path, row("a.keep")), CHECKS, [directive(ANY), directive(forbids, name="e", binding="guidance")])
    assert [(one.params["limit"], one.origin, one.controls) for one in rows] == [
        (365, "default", ("d:ANY",)),
        (None, "guidance", ("e:NO",)),
    ]


@pytest.mark.parametrize(
    ("control", "said"),
    [
        ({"id": "X", "checks": ["a.kep"]}, r"names the unknown check a\.kep.*a\.keep"),
        ({"id": "X", "remarks": ["zzz.zzz"]}, r"names the unknown check zzz\.zzz"),
        ({"id": "X", "checks": ["a.keep"], "params": {"a.keep": {"month": 1}}}, "no knob 'month'"),
        ({"id": "X", "checks": ["a.keep"], "params": {"a.keep": {"months": "1"}}}, "months is a whole number"),
    ],
)
def test_a_directive_that_does_not_fit_the_checks_is_refused(tmp_path: Path, control: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        profiles.select(load(tmp_path, row("a.all")), CHECKS, [directive(control)])

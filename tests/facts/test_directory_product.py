"""An export that tells no product: what settles it is a word of who has it, not another visit."""

from __future__ import annotations

from pathlib import Path

import pytest

from sovaudit.authoring import Unseen
from sovaudit.collectors import CollectOptions, collect, parse_target
from sovaudit.facts.directory import Directory

TREE = "dn: dc=example,dc=org\nobjectClass: domain\ndc: example\n\ndn: uid=bob,dc=example,dc=org\nobjectClass: account\nuid: bob\n"


def test_a_product_that_nothing_tells_is_to_be_named(tmp_path: Path) -> None:
    (tmp_path / "tree.ldif").write_text(TREE)
    directory = Directory(collect(parse_target(f"ldif:{tmp_path}/tree.ldif"), CollectOptions()))
    with pytest.raises(Unseen) as caught:
        directory.view.accounts  # noqa: B018
    assert caught.value.gap.reason == "absent" and "?product=openldap|389|ad" in caught.value.gap.detail
    named = Directory(collect(parse_target(f"ldif:{tmp_path}/tree.ldif?product=openldap"), CollectOptions()))
    assert named.product == "openldap"

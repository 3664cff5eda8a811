"""Aliases of sudoers(5) as a graph: which lead into a circle, and who or which commands stand at their ends."""

from __future__ import annotations

from collections.abc import Iterator

from sovaudit.facts.parse.sudoers import Member, Members, Policy


def looping(policy: Policy) -> set[tuple[str, str]]:
    """Aliases from which a loop can be reached: their answers depend on the way to them, so they are not remembered."""
    edges = {
        key: [(key[0], member.name) for member in alias.members if member.kind == "ALIAS" and (key[0], member.name) in policy.aliases]
        for key, alias in policy.aliases.items()
    }
    waiting = {key: len(set(out)) for key, out in edges.items()}
    users: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for key, out in edges.items():
        for other in out:
            users.setdefault(other, set()).add(key)
    done = [key for key, count in waiting.items() if count == 0]
    free: set[tuple[str, str]] = set()
    while done:
        key = done.pop()
        free.add(key)
        for user in users.get(key, ()):
            waiting[user] -= 1
            if waiting[user] == 0:
                done.append(user)
    return set(edges) - free


def leaves(policy: Policy, member: Member) -> Iterator[Member]:
    """Every command below a list element, each alias once per sign, with the signs multiplied out."""
    pending, seen = [(member, False)], set()
    while pending:
        here, flipped = pending.pop()
        negated = here.negated != flipped
        if here.kind != "ALIAS":
            yield Member(here.kind, here.name, negated, here.args, here.digests)
        elif (here.name, negated) not in seen:
            seen.add((here.name, negated))
            alias = policy.aliases.get(("Cmnd", here.name))
            pending.extend((inner, negated) for inner in reversed(alias.members if alias else ()))


def expand(policy: Policy, kind: str, members: Members) -> list[Member]:
    """Members that are named by a list, aliases followed once each, negated ones left out."""
    found: list[Member] = []
    pending = list(reversed(members))
    seen: set[str] = set()
    while pending and len(found) < 500:
        member = pending.pop()
        if member.kind == "ALIAS" and (alias := policy.aliases.get((kind, member.name))):
            if member.name not in seen:
                seen.add(member.name)
                pending.extend(reversed(alias.members))
        elif not member.negated and member.kind != "MYSELF":
            found.append(member)
    return found

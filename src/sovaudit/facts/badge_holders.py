"""Whose a badge is: by the `credentials` table, the roster, the person that events name; and which badges are visitors'.

A person goes by the name that the evidence has for them: a pseudonym, or the id where names were asked for.
"""

from __future__ import annotations

from sovaudit.facts import badge_uses
from sovaudit.facts.badges import BadgeLog
from sovaudit.facts.files import Unseen
from sovaudit.facts.roster import Person, Roster
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

MOST = 200  # subjects that are named one by one
VISITOR = "visitor"
KINDS = {"staff": "staff", "employee": "staff", "personnel": "staff", "agent": "staff", "contractor": "contractor", "prestataire": "contractor",
         VISITOR: VISITOR, "visiteur": VISITOR}  # fmt: skip
ACTIVE = frozenset("active actif enabled valid valide issued 1 true yes oui".split())
INACTIVE = frozenset(
    "inactive inactif disabled desactive désactivé blocked bloque bloqué lost perdu stolen vole volé returned rendu suspended suspendu "
    "revoked revoque révoqué expired expire expiré 0 false no non".split()
)
VISITORS = "lower(kind) IN ('visitor', 'visiteur')"


def name_of(person: Person) -> str:
    """The person as the log's evidence names people."""
    return person.person or person.id


def live(status: str | None) -> bool | None:
    """Whether a status word of the `credentials` table means a badge in use; None for a word that we do not know."""
    word = (status or "active").strip().lower()
    return True if word in ACTIVE else False if word in INACTIVE else None


STATES = """coalesce(bool_or(live), false), coalesce(bool_or(NOT live), false), bool_or(live IS NULL)
FROM credentials c JOIN status_words w ON coalesce(c.status, '') = w.status"""
"""SQL: whether a badge has a row with a status in use, out of use, not known; made of the rows of a group of `credentials`."""


def know_states(log: BadgeLog) -> None:
    """The table `status_words`: status ('' for none), live (NULL for a word that we do not know). Needs the table of credentials."""
    words = [word for (word,) in log.query("SELECT DISTINCT coalesce(status, '') FROM credentials ORDER BY 1")]
    log.load("status_words", {"status": "VARCHAR", "live": "BOOLEAN"}, [[word, live(word or None)] for word in words])


def holders(log: BadgeLog, people: Roster | None = None) -> None:
    """The table `holders`: credential, person; each pair that a row of the `credentials` table or the roster gives. An audit has one roster."""

    def given() -> None:
        rows = [(badge, name_of(person)) for person in (people.people if people else ()) for badge in person.badges if name_of(person)]
        log.load("given_badges", {"credential": "VARCHAR", "person": "VARCHAR"}, rows)

    log.keep("roster_badges", "SELECT credential, person FROM given_badges", given=given)
    table = "UNION SELECT credential, subject FROM credentials WHERE credential IS NOT NULL AND subject IS NOT NULL"
    log.keep("holders", f"SELECT credential, person FROM roster_badges {table if log.has('credentials') else ''}")


_ALWAYS = 1 << 62
_ONE = f"""
WITH single AS (SELECT credential, min(person) AS person FROM holders GROUP BY credential HAVING min(person) = max(person)),
given AS ({{given}}),
turns AS (
  SELECT DISTINCT credential, subject AS person, coalesce(valid_from, {-_ALWAYS}) AS low, coalesce(valid_to, {_ALWAYS}) AS high FROM given
  WHERE subject IS NOT NULL AND credential NOT IN (SELECT credential FROM single) AND credential NOT IN (SELECT credential FROM roster_badges)),
muddled AS (
  SELECT a.credential FROM turns a JOIN turns b ON a.credential = b.credential
  WHERE (a.person, a.low, a.high) <> (b.person, b.low, b.high) AND a.low < b.high AND b.low < a.high)
SELECT credential, person, {-_ALWAYS} AS low, {_ALWAYS} AS high FROM single
UNION ALL
SELECT credential, person, low, least(high, coalesce(lead(low) OVER (PARTITION BY credential ORDER BY low, high, person) - 1, high)) FROM turns
WHERE credential NOT IN (SELECT credential FROM muddled)
"""
HOLDS = "LEFT JOIN holder h ON p.credential = h.credential AND p.ms BETWEEN h.low AND h.high"
"""SQL: beside passages `p`, the person `h.person` who held the badge then."""


def one_holder(log: BadgeLog, people: Roster | None = None) -> None:
    """The table `holder`: credential, person, low, high. A badge that only one person ever held is theirs; one that went from hand to hand is, for
    each time that the `credentials` table gives, if these do not overlap.
    """
    holders(log, people)
    nothing = "SELECT CAST(NULL AS VARCHAR) AS credential, CAST(NULL AS VARCHAR) AS subject, 0 AS valid_from, 0 AS valid_to WHERE false"
    given = "SELECT credential, subject, valid_from, valid_to FROM credentials" if log.has("credentials") else nothing
    badge_uses.know_badges(log)
    log.keep(
        "holder",
        f"SELECT s.credential, person, low, high FROM seen_badges s JOIN ({_ONE.format(given=given)}) h ON s.credential = h.credential",
    )


def visitors(log: BadgeLog) -> None:
    """The table `visitors_badges`: credential; those of visits, and those of the kind in the table of credentials."""
    parts = ["SELECT credential FROM visits WHERE credential IS NOT NULL"] if log.has("visits") else []
    parts += [f"SELECT credential FROM credentials WHERE {VISITORS} AND credential IS NOT NULL"] if log.has("credentials") else []
    log.keep("visitors_badges", " UNION ".join(parts) or "SELECT CAST(NULL AS VARCHAR) AS credential WHERE false")


def need_link(log: BadgeLog, people: Roster | None = None) -> None:
    """Raises Unseen where nothing says whose a badge is."""
    log.need("credential")
    if log.has("credentials") or log.filled["subject"] or (people is not None and any(person.badges for person in people.people)):
        return
    raise Unseen(
        Gap("badges/credentials", Reason.ABSENT, "nothing says whose a badge is: no table of credentials, no subject, no badge in a roster")
    )

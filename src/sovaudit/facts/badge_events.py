"""The words of physical access: one canonical event, and the tables that stand beside it.

Codes follow BACnetAccessEvent and BACnetDoorAlarmState (ISO 16484-5), the only ISO enumeration of access events; DENIED_* is shortened.
OTHER is known to be none of them; UNMAPPED may be any.
Times are milliseconds since 1970-01-01T00:00:00Z; text is trimmed, and NULL where there was none.
"""

from __future__ import annotations

from types import MappingProxyType

GRANTED = "GRANTED"
UNMAPPED = "UNMAPPED"

CODES = frozenset(
    """
    GRANTED DENIED_UNKNOWN_CREDENTIAL DENIED_CREDENTIAL_EXPIRED DENIED_CREDENTIAL_INACTIVE DENIED_OUTSIDE_SCHEDULE DENIED_NO_RIGHTS
    DENIED_INCORRECT_PIN DENIED_OTHER PASSBACK_DETECTED DURESS NO_ENTRY_AFTER_GRANT REQUEST_TO_EXIT
    DOOR_OPENED DOOR_CLOSED DOOR_FORCED_OPEN DOOR_OPEN_TOO_LONG DOOR_TAMPER DOOR_FREE_ACCESS
    CONTROLLER_ONLINE CONTROLLER_OFFLINE CONFIG_CHANGED LOG_CLEARED ALARM_ACKNOWLEDGED PRESENCE OTHER UNMAPPED
    """.split()
)

DENIED = str(tuple(sorted(code for code in CODES if code.startswith("DENIED_"))))
"""SQL: the codes of refusals."""

# what a reader of the log may ask of one event; the evidence holds these columns, but for those that the map fills from nothing
EVENT_COLUMNS = MappingProxyType(
    {
        "event_time": "BIGINT",
        "received_time": "BIGINT",
        "time_note": "VARCHAR",  # `repeated`: a wall clock time that came twice; `missing`: one that never was; NULL for all others
        "source": "VARCHAR",  # the controller
        "sequence": "BIGINT",  # its own numbering
        "site": "VARCHAR",
        "area_from": "VARCHAR",
        "area_to": "VARCHAR",
        "access_point": "VARCHAR",  # the reader, one side of a door
        "direction": "VARCHAR",  # `in`, `out`, NULL
        "credential": "VARCHAR",
        "subject": "VARCHAR",
        "event": "VARCHAR",  # one of CODES
        "event_native": "VARCHAR",  # the product's own code where `event` and the map do not tell it
        "verify_mode": "VARCHAR",
        "refused": "VARCHAR",  # why the row could not be read: `time`, `sequence`, `json`
    }
)

ALWAYS_FILLED = frozenset(("event_time", "source", "event", "event_native", "refused"))

# what stands beside the events, if its owner gives it; `TIME` columns are milliseconds like event_time
TIME = "BIGINT /* time */"
SIDE_TABLES = MappingProxyType(
    {
        # one row a reader: what lies before it and what behind; level is that of area_to
        "doors": {
            "access_point": "VARCHAR",
            "door": "VARCHAR",
            "site": "VARCHAR",
            "area_from": "VARCHAR",
            "area_to": "VARCHAR",
            "level": "VARCHAR",
            "has_exit_reader": "BOOLEAN",
        },
        "zones": {"area": "VARCHAR", "site": "VARCHAR", "level": "VARCHAR", "min_persons": "BIGINT"},
        "controllers": {"source": "VARCHAR", "site": "VARCHAR", "last_sequence": "BIGINT", "read_at": TIME},
        "credentials": {
            "credential": "VARCHAR",
            "subject": "VARCHAR",
            "kind": "VARCHAR",
            "valid_from": TIME,
            "valid_to": TIME,
            "status": "VARCHAR",
        },
        "rights": {
            "subject": "VARCHAR",
            "area": "VARCHAR",
            "access_point": "VARCHAR",
            "schedule": "VARCHAR",
            "valid_from": TIME,
            "valid_to": TIME,
        },
        "members": {"member_of": "VARCHAR", "subject": "VARCHAR"},
        "schedules": {"schedule": "VARCHAR", "days": "VARCHAR", "time_from": "VARCHAR", "time_to": "VARCHAR", "closed": "VARCHAR"},
        "visits": {"visitor": "VARCHAR", "host": "VARCHAR", "credential": "VARCHAR", "time_in": TIME, "time_out": TIME},
        "travel": {"site_a": "VARCHAR", "site_b": "VARCHAR", "minutes": "BIGINT"},
        "holidays": {"day": "VARCHAR", "site": "VARCHAR"},
        "acknowledgements": {"access_point": "VARCHAR", "event_time": TIME, "acknowledged_at": TIME, "by": "VARCHAR", "reason": "VARCHAR"},
        "hosts": {"host": "VARCHAR", "area": "VARCHAR"},
        "video": {"camera": "VARCHAR", "oldest": TIME, "newest": TIME},
        # one row a recorded segment; an empty end: it goes on. mode: what it records on
        "recordings": {"camera": "VARCHAR", "start": TIME, "end": TIME, "mode": "VARCHAR"},
    }
)
KEYS = MappingProxyType({name: next(iter(columns)) for name, columns in SIDE_TABLES.items()})
"""Table → the column without which a row says nothing."""
PEOPLE = MappingProxyType(
    {"credential": "badge", "subject": "person", "visitor": "person", "host": "person", "member_of": "person", "by": "person"}
)
"""Columns that say who: the evidence holds a pseudonym there unless the auditor asked for names (`hosts.host` is a machine)."""

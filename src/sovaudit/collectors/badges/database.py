"""A table of a database, through SQLAlchemy: only the columns that the map reads, in one read-only transaction, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sovaudit.collectors.badges.mapping import BadgeMap
from sovaudit.collectors.badges.reading import fitted, wanted
from sovaudit.collectors.badges.workbook import text
from sovaudit.errors import CollectError, UsageError

BATCH = 10_000
_HINT = "Install it with `pip install 'sovaudit[sql]'`."


def rows(url: str, plan: BadgeMap, password: str | None) -> Iterator[list[str]]:
    """First the names of the columns, then each row of the table. Raises CollectError, UsageError."""
    try:
        import sqlalchemy as sql
        from sqlalchemy.exc import ArgumentError, NoSuchModuleError, NoSuchTableError, SQLAlchemyError
    except ImportError as error:
        raise UsageError("needs SQLAlchemy, which is not installed", where="badges:", hint=_HINT) from error
    try:
        address = sql.make_url(url)
        if address.drivername == "postgresql":
            address = address.set(drivername="postgresql+psycopg")
        if address.get_backend_name() == "sqlite":
            if not address.database or not Path(address.database).is_file():
                raise CollectError("there is no such database file", status="failed", where=url)
            address = sql.make_url(f"sqlite:///file:{Path(address.database).absolute()}?mode=ro&uri=true")
        if password is not None:
            address = address.set(password=password)
        engine = sql.create_engine(address, poolclass=sql.pool.NullPool)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise CollectError(f"no driver for it ({error})"[:200], status="failed", where=url, hint=_HINT) from error
    schema, _, name = plan.table.rpartition(".")
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            columns = [str(column["name"]) for column in sql.inspect(connection).get_columns(name, schema=schema or None)]
            chosen = wanted(fitted(columns, plan, plan.table))
            query: Any = sql.select(*(sql.column(column) for column in chosen)).select_from(sql.table(name, schema=schema or None))
            yield chosen
            found = connection.execution_options(stream_results=True, yield_per=BATCH).execute(query)
            for row in found:
                yield [text(value, plan.time.format) for value in row]
    except NoSuchTableError as error:
        raise CollectError(f"has no table {plan.table!r}", status="failed", where=url) from error
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).split("\n")[0]
        raise CollectError(f"did not answer ({reason})"[:300], status="unreachable", where=url) from error

"""Whether a database may be a store: looked at before anything is made or changed in it."""

from optuna.storages._rdb.models import BaseModel
from sqlalchemy import Engine, inspect

from tuner.errors import UserError
from tuner.storage.schema import Base, StudyRow

# Optuna's, and that in which alembic keeps their version.
OPTUNA = frozenset(BaseModel.metadata.tables) | {"alembic_version"}


def begun(engine: Engine) -> bool:
    """Whether the tuner's tables are in the database; a store that was cut short while it was made has some of them.

    Raises:
        UserError: its tables are another application's, or of another version of the tuner.
    """
    found = inspect(engine)
    tables = set(found.get_table_names())
    others = sorted(tables - OPTUNA - set(Base.metadata.tables))
    if others and not tables >= OPTUNA:
        raise UserError(
            f"it belongs to another application, whose tables are {', '.join(others[:3])}{', …' * (len(others) > 3)}",
            hint="name another --storage, such as a new file or an empty database",
        )
    for table in Base.metadata.sorted_tables:
        if table.name not in tables:
            continue
        there = {column["name"] for column in found.get_columns(table.name)}
        if missing := [column.name for column in table.columns if column.name not in there]:
            raise UserError(
                f"another version of the tuner made it: its table {table.name} has no column `{missing[0]}`",
                hint="name another --storage, or use the version that made it",
            )
    return StudyRow.__tablename__ in tables

"""Commands that never wrote how they ended: whoever writes next knows that they are dead, and says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select, update

import workbench.store.tables as tables
from workbench.store.audit import Written, driver_of

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

RUNNING, KILLED = "running", "killed"


def end_killed(connection: Connection) -> None:
    """Mark as killed what still counts as running.

    There is one writer at a time, and its lease ends with its process: the caller, who has the lease, is the only one
    alive. The rows that were stored stay as they are.
    """
    i, c = tables.invocation, tables.calibration
    invocations = select(i.c.id, i.c.sweep, i.c.command).where(i.c.status == RUNNING).order_by(i.c.id)
    calibrations = select(c.c.id, c.c.command).where(c.c.status == RUNNING).order_by(c.c.id)
    with connection.begin():
        for number, sweep, command in connection.execute(invocations).all():
            written = Written(driver_of(connection))
            connection.execute(update(i).where(i.c.id == number).values(status=KILLED))
            written.ended(number)
            written.append(command, "finished", sweep=sweep, invocation=number, status=KILLED)
        for number, command in connection.execute(calibrations).all():
            written = Written(driver_of(connection))
            connection.execute(update(c).where(c.c.id == number).values(status=KILLED))
            written.append(command, "finished", calibration=number, status=KILLED)

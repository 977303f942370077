"""Rows as Seata's engine was seen to write them: each machine's words, and its states in their order.

What still runs has an end time that is the time of its insert, a machine's gmt_updated stays at its start until it
ends, and a machine that is being undone says RU like one that goes forward.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

NOON: Final = datetime(2026, 11, 20, 12)
UNDOS: Final = {"ReserveStock": "ReleaseStock", "ChargeCard": "RefundCard", "Ship": "RecallParcel"}
_BACK: Final = {undo: name for name, undo in UNDOS.items()}


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine that began so many minutes before noon; a state is `Name STATUS`, a retry is the name once more."""

    name: str
    minutes: float
    status: str
    compensation: str | None
    states: tuple[str, ...]

    @property
    def runs(self) -> bool:
        """Whether it has not ended."""
        return self.status == "RU"

    def statements(self) -> Iterator[str]:
        """Yield its rows, a second from one to the next."""
        began = NOON - timedelta(minutes=self.minutes)
        ended = began if self.runs else began + timedelta(seconds=len(self.states))
        yield (
            "INSERT INTO seata_state_machine_inst (id, machine_id, tenant_id, gmt_started, business_key, gmt_end, "
            "status, compensation_status, is_running, gmt_updated) VALUES "
            f"('{self.name}', 'def-1', '000001', '{began}', 'key-{self.name}', '{ended}', '{self.status}', "
            f"{_text(self.compensation)}, {str(self.runs).upper()}, '{ended}')"
        )
        ids: dict[str, str] = {}
        for at, state in enumerate(self.states):
            name, status = state.split()
            undoes = _BACK.get(name)
            first = ids.get(name)
            made = f"{ids[undoes]}-1" if undoes else f"{first}.1" if first else f"{self.name}-{at}"
            ids[name] = made
            start = began + timedelta(seconds=at)
            end = start if status == "RU" else start + timedelta(seconds=1)
            yield (
                "INSERT INTO seata_state_inst (id, machine_inst_id, name, type, state_id_compensated_for, "
                "state_id_retried_for, gmt_started, is_for_update, status, gmt_end) VALUES "
                f"('{made}', '{self.name}', '{name}', 'ServiceTask', {_text(ids[undoes] if undoes else None)}, "
                f"{_text(first if not undoes else None)}, '{start}', {str(name in UNDOS).upper()}, '{status}', '{end}')"
            )


def _text(value: str | None) -> str:
    return "NULL" if value is None else f"'{value}'"


DEFINITION: Final = (
    "INSERT INTO seata_state_machine_def (id, name, tenant_id, app_name, ver, gmt_create, status) VALUES "
    "('def-1', 'PlaceOrder', '000001', 'orders', '0.0.1', '2026-11-01 00:00:00', 'AC')"
)
DONE: Final = ("ReserveStock SU", "ChargeCard SU")
MACHINES: Final = (
    Machine("10.0.0.1:8091:2674", 60, "SU", None, (*DONE, "Ship SU")),
    Machine("moving", 2, "RU", None, (*DONE, "Ship RU")),
    Machine("undoing", 3, "RU", None, (*DONE, "Ship UN", "RecallParcel SU", "RefundCard RU")),
    Machine("comp_clean", 60, "UN", "SU", (*DONE, "Ship UN", "RecallParcel SU", "RefundCard SU", "ReleaseStock SU")),
    Machine("refused_first", 60, "FA", None, ("ReserveStock FA",)),
    Machine("forwarded", 60, "SU", None, ("ReserveStock SU", "ChargeCard UN", "ChargeCard SU", "Ship SU")),
    Machine("mended", 60, "SU", "FA", (*DONE, "Ship UN", "Ship SU")),
    Machine("comp_fails", 60, "UN", "UN", (*DONE, "Ship UN", "RecallParcel SU", "RefundCard UN")),
    Machine("dirty_ship", 60, "UN", None, (*DONE, "Ship UN")),
    Machine("hang_forward", 60, "RU", None, (*DONE, "Ship RU")),
    Machine("hang_comp", 60, "RU", None, (*DONE, "Ship UN", "RecallParcel SU", "RefundCard RU")),
)

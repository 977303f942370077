"""The participants of a bank transfer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sqlalchemy import Connection, select, update

from .bus import Body, take
from .participants import Duty, Participant, Refused
from .schema import ACCOUNTS, FRAUD_CASES, LEDGER_ENTRIES
from .topics import CHECK_FRAUD, CREDIT, DEBIT, DROP_CASE, POST, REVERSE_CREDIT, REVERSE_DEBIT

OPENING_BALANCES = {"DE-ada": 90_000_00, "DE-bela": 70_000_00, "DE-cleo": 50_000_00, "DE-dora": 12_00}
CLOSED_ACCOUNT = "DE-gone"


class FraudService(Participant):
    """Opens a case for every transfer, and looks at it."""

    def duties(self) -> Mapping[str, Duty]:
        """Check, and drop the case."""
        return {
            CHECK_FRAUD: Duty(self._check, (1.0, 5.0)),
            DROP_CASE: Duty(self._drop, (0.9, 1.2), undo=True),
        }

    def _check(self, connection: Connection, body: Body) -> dict[str, Any]:
        made = self.record(connection, FRAUD_CASES, body, opened_at=self.now())
        return {"case_id": made}

    def _drop(self, connection: Connection, body: Body) -> dict[str, Any]:
        connection.execute(
            update(FRAUD_CASES)
            .where(FRAUD_CASES.c.id == take(take(body, "original_result"), "case_id"))
            .values(dropped_at=self.now())
        )
        return {}


class AccountService(Participant):
    """Moves money on accounts, and moves it back."""

    def duties(self) -> Mapping[str, Duty]:
        """Debit and credit, and the reverse of each."""
        return {
            DEBIT: Duty(self._debit, (0.3, 1.0)),
            REVERSE_DEBIT: Duty(self._reverse_debit, (0.4, 0.6), undo=True),
            CREDIT: Duty(self._credit, (0.3, 1.0)),
            REVERSE_CREDIT: Duty(self._reverse_credit, (0.1, 0.2), undo=True),
        }

    def _debit(self, connection: Connection, body: Body) -> dict[str, Any]:
        return self._move(connection, body, take(body, "source"), -take(body, "amount_cents"), "debit")

    def _reverse_debit(self, connection: Connection, body: Body) -> dict[str, Any]:
        source = take(body, "source")
        return self._move(connection, body, source, take(body, "amount_cents"), "debit reversed")

    def _credit(self, connection: Connection, body: Body) -> dict[str, Any]:
        return self._move(connection, body, take(body, "target"), take(body, "amount_cents"), "credit")

    def _reverse_credit(self, connection: Connection, body: Body) -> dict[str, Any]:
        target = take(body, "target")
        return self._move(connection, body, target, -take(body, "amount_cents"), "credit reversed")

    def _move(self, connection: Connection, body: Body, account: str, amount: int, kind: str) -> dict[str, Any]:
        known = connection.execute(select(ACCOUNTS).where(ACCOUNTS.c.account == account)).one_or_none()
        if known is None or known.closed:
            raise Refused(f"account {account} is closed")
        if known.balance_cents + amount < 0:
            raise Refused(f"insufficient funds on {account}")
        connection.execute(
            update(ACCOUNTS)
            .where(ACCOUNTS.c.account == account)
            .values(balance_cents=ACCOUNTS.c.balance_cents + amount)
        )
        made = self.record(
            connection, LEDGER_ENTRIES, body, account=account, amount_cents=amount, kind=kind, at=self.now()
        )
        return {"entry_id": made}


class LedgerService(Participant):
    """Writes the transfer into the general ledger, without a guard against writing it twice."""

    guarded: ClassVar[bool] = False

    def duties(self) -> Mapping[str, Duty]:
        """Post; a posting is never taken back."""
        return {POST: Duty(self._post, (0.5, 2.0))}

    def _post(self, connection: Connection, body: Body) -> dict[str, Any]:
        if take(body, "period") == "closed":
            raise Refused("the ledger's period is closed")
        made = self.record(
            connection,
            LEDGER_ENTRIES,
            body,
            account="general ledger",
            amount_cents=take(body, "amount_cents"),
            kind="posting",
            at=self.now(),
        )
        return {"posting_id": made}

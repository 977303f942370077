"""The conformance kit for stores: a plugin's author says how to open one, and inherits a test for every promise.

The whole of a plugin's test file:

    from sagadoctor.testing.store_suite import StoreSuite

    class TestMyStore(StoreSuite):
        states = {SagaState.PENDING: "RUNNING", SagaState.COMPENSATING: "UNDOING", SagaState.FAILED: "DEAD"}
        tells = frozenset(("saga_type", "business_key", "created_at", "updated_at", "error"))

        def open(self, sagas):
            write_to_an_empty_database(sagas)
            return plugin.open(MyOptions(url=URL), StoreContext("mine", "test", SystemClock()))

Run it with pytest; nothing here imports pytest, so any runner that collects `test_…` methods will do. What comes from a
fixture (a server's address, a folder) is set on `self` by an autouse fixture of the class.

Say first what the store can keep: `states`, `statuses`, `types`, `tells`, `step_tells`, `needs`, `resolution`,
`unknown_word`, `ids_are_text`, `saga_id`; or override `expected` where it is more than leaving fields out. Then give
the suite hands, each of which unlocks tests that are skipped without it:

    connections   counts the store's connections, as its server sees them        at most two, none after close()
    hanging       makes the backend take questions and never answer              deadlines, cancelling, asyncio.run ends
    broken        makes the backend refuse every read                            nothing but BackendErrors, no secrets
    write         tries to write over the store's own connection                 read only, enforced by the backend
    spellings     how people write an id                                         fetch() by any of them

`sagadoctor.testing.memory.MemoryStore` is a store that passes.
"""

from __future__ import annotations

from .promises.around import AroundSagas
from .promises.deadlines import Deadlines
from .promises.facts import Facts
from .promises.lookups import Lookups
from .promises.manners import Manners
from .promises.paging import Paging


class StoreSuite(Facts, Paging, Lookups, AroundSagas, Manners, Deadlines):
    """Every promise of `sagadoctor.api.v1.Store`, one test method each; see this module's text for what to say."""


__all__ = ["StoreSuite"]

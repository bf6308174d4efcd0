"""The store (SQLite): policies, jobs, audit, the inventory's snapshot. Only the agent writes.

What belongs to one subject alone has a module and a class of its own over an open ``Store``.
"""

from origin_pulls.store.opening import memory_store, open_store, read_store
from origin_pulls.store.store import Store

__all__ = ["Store", "memory_store", "open_store", "read_store"]

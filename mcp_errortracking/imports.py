"""Import what is first needed while calls are served."""

from importlib import import_module
from types import ModuleType

from anyio import to_thread

_imported = dict[str, ModuleType]()
"""Not `sys.modules`, which has a module from the beginning of its import on."""


async def import_in_thread(name: str) -> ModuleType:
    """Return a module. Its first import takes a while, so other calls go on meanwhile."""
    if name not in _imported:
        _imported[name] = await to_thread.run_sync(import_module, name)
    return _imported[name]

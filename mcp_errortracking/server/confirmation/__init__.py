"""Confirmation of writes: a person is asked before a call changes something. Imported only where it is switched on."""

"""The rules: frozen data and pure functions; no I/O, no SQL, no clock."""

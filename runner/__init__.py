"""How runs happen: from a command to records on disk."""

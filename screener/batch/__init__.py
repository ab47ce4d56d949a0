"""Screens a whole export: many records in chunks, on several workers, with nothing lost."""

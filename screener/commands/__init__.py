"""The commands, one module each, and what they have in common.

A command's module has a function `command`; `screener.cli` imports it only when it is called.
"""

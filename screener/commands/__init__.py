"""The commands, one module each, and what they have in common.

A command's module has a function `command`; `screener.cli` imports it only when it is called.
"""

COMMANDS = {
    "batch": "Screen a whole export: log, reasons, what to obtain, and nothing lost.",
    "cohort": "The flow of patients through a study, and its baseline table.",
    "compare": "Who changes status between two versions of a study, and by which criterion.",
    "studies": "What is encoded.",
    "show": "How a study is encoded: criteria, readings, parameters, what to ask for.",
    "facts": "What follows from a record, before any criterion is asked.",
    "convert": "The record made of a FHIR bundle or bulk export, and what was not used.",
    "check": "Whether encodings are sound and give what their examples say.",
    "schema": "The patient record as JSON Schema.",
    "template": "An empty patient record, workbook or mapping to fill in.",
}
"""The commands that have a name, with what each is for."""

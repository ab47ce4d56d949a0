"""FHIR R4 bundles and bulk exports, read as patient records.

One way through: the entries of a patient (`resources`), each checked against R4 (`r4`), are read by
what they are about (`conditions`, `observations`, `medications` …) into a `draft`, which becomes an
`Extract`: the record, where each value comes from, and what was not used and why.

An extract never shows that something is absent, so every list of the record is named in `partial`
unless the source states an absence. An entry that cannot be read takes the older values of its kind
with it: what it could have decided is unknown.
"""

"""Paired runs: the same script twice, bit for bit, but for one planted change; what answered, where, by how much.

Flows in: a script. Flows out: subjects, series and events of dyes for a run's trace. Used by the doors and by
`checkup`; imports `record` for where the child's code lies, `model` and `store`.
"""

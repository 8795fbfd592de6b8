"""The child's side of a dyed run: runs a script deterministically, plants one change, logs what answers.

Imported in processes that only dye tracing starts; imports neither numpy nor torch before they are asked for.
Flows in: a request (script, world, plants, where to stop). Flows out: a folder with the log of the run.
"""

"""Running a kept run again: the same scenario, topology, parameters and seed, and what differs.

Nothing of the run's file is executed: its scenario must be a test below the project's directory,
and options are made from values that are checked one by one.
"""

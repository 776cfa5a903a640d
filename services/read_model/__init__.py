"""What the views of the database answer, as typed rows: for the command line, the API and tests.

Every question is a function that takes an `Asked` (a `Database`, or one moment of it) and gives frozen rows; its SQL is
a file of `sql`. `docs/read-model.md` lists the questions and what "as of" means for each.
"""
